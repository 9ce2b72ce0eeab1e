// The chain of hashes over a receipt's elements, as metering/receipts/chain.py makes it.
import { canonical, type Members, type Value } from "./text.ts";

export const FORMAT = "tollcast-receipt-1";
const UNCHAINED = ["chain", "signature", "settlement"];

export type Element = readonly [path: string, value: Value];

export const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

export const hexOf = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

export function bytesOfHex(text: string): Uint8Array<ArrayBuffer> {
  const pairs = text.match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}

/** Paths and values, in order. */
export function elements(document: Members): Element[] {
  const found: Element[] = [];
  for (const [name, value] of Object.entries(document)) {
    if (UNCHAINED.includes(name)) continue;
    if (Array.isArray(value)) value.forEach((item, place) => found.push([`${name}[${place}]`, item]));
    else found.push([name, value]);
  }
  return found;
}

export async function link(previous: string, [path, value]: Element): Promise<string> {
  return hexOf(await crypto.subtle.digest("SHA-256", bytesOf(`${previous}\n${path}\n${canonical(value)}`)));
}

/** The elements that do not agree with their links, or links that were changed. */
export async function breaks(known: readonly Element[], links: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  let previous = "";
  for (const [place, element] of known.entries()) {
    const stated = links[place] ?? "";
    const made = await link(previous, element);
    previous = stated;
    if (made === stated) continue;
    const next = known[place + 1];
    if (next !== undefined && (await link(made, next)) === links[place + 1]) {
      found.push(`chain[${place}]`);
      previous = made;
    } else found.push(element[0]);
  }
  return found;
}

/** What is signed of a receipt. */
export const signedBytes = (hash: string): Uint8Array<ArrayBuffer> => bytesOf(`${FORMAT}\n${hash}\n`);

/** What is signed of a settlement reference. */
export function settlementBytes(hash: string, settlement: Members): Uint8Array<ArrayBuffer> {
  const { signature: _, ...unsigned } = settlement;
  return bytesOf(`${FORMAT} settlement\n${hash}\n${canonical(unsigned)}\n`);
}
