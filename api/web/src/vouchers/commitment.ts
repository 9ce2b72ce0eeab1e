// What is signed to pay from a payment channel: the same bytes as the contract checks.
//
// The XDR of an ScVal map {amount, channel, domain, network} (stellar-experimental/one-way-channel);
// all of it but the sixteen bytes of the amount is the same for each voucher of a payment channel.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** SEP-23: a byte that tells what it is (here a contract), 32 bytes, a checksum of two. */
const ADDRESS_BYTES = 35;
const CONTRACT_VERSION = 2 << 3;
const AMOUNT_AT = 32;

// Stellar-contract.x: SCValType; SC_ADDRESS_TYPE_CONTRACT.
const I128 = 10;
const BYTES = 13;
const SYMBOL = 15;
const MAP = 17;
const ADDRESS = 18;
const CONTRACT = 1;

/** The 32 bytes that a contract is named by; null when the address is none. */
export function contractBytes(address: string): Uint8Array | null {
  if (!/^C[A-Z2-7]{55}$/.test(address)) return null;
  const raw = new Uint8Array(ADDRESS_BYTES);
  let bits = 0;
  let count = 0;
  let at = 0;
  for (const letter of address) {
    bits = ((bits << 5) | ALPHABET.indexOf(letter)) & 0xfff;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    raw[at++] = (bits >> count) & 0xff;
  }
  const body = raw.subarray(0, ADDRESS_BYTES - 2);
  const checksum = crc16(body);
  const isGood = raw[0] === CONTRACT_VERSION && raw[33] === (checksum & 0xff) && raw[34] === checksum >> 8;
  return isGood ? raw.slice(1, 33) : null;
}

/** Everything but the amount. Throws when the address is no contract's. */
export async function commitmentOf(contract: string, passphrase: string): Promise<Uint8Array<ArrayBuffer>> {
  const address = contractBytes(contract);
  if (address === null) throw new Error(`not a contract: ${contract}`);
  const network = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(passphrase)));
  return joined([
    ...[word(MAP), word(1), word(4)],
    ...[symbol("amount"), word(I128), new Uint8Array(16)],
    ...[symbol("channel"), word(ADDRESS), word(CONTRACT), address],
    ...[symbol("domain"), symbol("chancmmt")],
    ...[symbol("network"), word(BYTES), word(network.length), network],
  ]);
}

/** What to sign for a sum of `cumulative` stroops. */
export function withAmount(commitment: Uint8Array<ArrayBuffer>, cumulative: bigint): Uint8Array<ArrayBuffer> {
  const message = commitment.slice();
  // An amount has 63 bits: the upper half of the sixteen bytes is zero.
  new DataView(message.buffer).setBigUint64(AMOUNT_AT + 8, cumulative);
  return message;
}

/** CRC-16/XMODEM. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

function word(number: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

/** RFC 4506, 4.11: padded to a multiple of four. */
function symbol(name: string): Uint8Array {
  const text = new TextEncoder().encode(name);
  return joined([word(SYMBOL), word(text.length), text, new Uint8Array(-text.length & 3)]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
