// What a tariff costs, as metering/tariff.py works it out: cumulative, rounded down once for each price.
import { bytesOf } from "./chain.ts";
import type { Price, Tariff } from "./shape.ts";
import { canonical, type Value } from "./text.ts";

// As in config/limits.py.
const STROOPS_MAX = 10 ** 12;
const SECONDS_MAX = 366 * 86_400;
const CAP_MAX = 10 ** 15;
const RUNGS_MAX = 4;
const HEIGHT_MAX = 8_640;

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ID_CHARACTERS = 26;
const ISSUER_VERSION = 6 << 3;

/** Seconds, and how many of them at or above each rung. */
export type Watched = readonly [seconds: number, rungs: readonly number[]];

/** What is due without a cap for what was watched between two moments. */
export function due(tariff: Tariff, [secondsBefore, rungsBefore]: Watched, [seconds, rungs]: Watched): bigint {
  const { price, freeSeconds: free, viewStroops } = tariff;
  let sum = cost(price, beyond(free, secondsBefore, seconds));
  if (secondsBefore <= free && free < seconds) sum += BigInt(viewStroops);
  tariff.rungs.slice(0, rungs.length).forEach((rung, place) => {
    sum += cost(rung, beyond(free, rungsBefore[place] ?? 0, rungs[place] ?? 0));
  });
  return sum;
}

const beyond = (free: number, first: number, last: number): number => Math.max(last, free) - Math.max(first, free);

/** Rounded down, also below zero. */
function cost({ stroops, seconds: per }: Price, seconds: number): bigint {
  const product = BigInt(stroops) * BigInt(seconds);
  const quotient = product / BigInt(per);
  return product < 0n && quotient * BigInt(per) !== product ? quotient - 1n : quotient;
}

/** Whether it is a tariff at all: within the bounds, and in a currency that can exist. */
export function isTariff({ asset, price, rungs, ...rest }: Tariff): boolean {
  const heights = rungs.map((rung) => rung.heightMin);
  return (
    isAsset(asset) &&
    [price, ...rungs].every(({ stroops, seconds }) => stroops <= STROOPS_MAX && seconds > 0 && seconds <= SECONDS_MAX) &&
    rest.viewStroops <= STROOPS_MAX &&
    rest.freeSeconds <= SECONDS_MAX &&
    (rest.sessionCap ?? 0) <= CAP_MAX &&
    rungs.length <= RUNGS_MAX &&
    heights.every((height, place) => height > (heights[place - 1] ?? 0) && height <= HEIGHT_MAX)
  );
}

export function isInLowestTerms(tariff: Tariff): boolean {
  return [tariff.price, ...tariff.rungs].every(({ stroops, seconds }) => divisor(stroops, seconds) === 1);
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/** `epc_` and a hash of the content. */
export async function tariffId(tariff: Tariff): Promise<string> {
  const text = canonical(tariff as unknown as Value);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(text)));
  return `epc_${base32(digest).slice(0, ID_CHARACTERS).toLowerCase()}`;
}

/** RFC 4648, 6, without padding and without what is left over at the end. */
function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{5}/g) ?? []).map((five) => BASE32[Number.parseInt(five, 2)]).join("");
}

function isAsset(asset: string): boolean {
  const found = /^[A-Za-z0-9]{1,12}(?::(G[A-Z2-7]{55}))?$/.exec(asset);
  if (found === null) return false;
  return found[1] === undefined || isIssuer(found[1]);
}

/** SEP-23: the address of an account, with its CRC16/XModem. */
function isIssuer(address: string): boolean {
  const bits = Array.from(address, (letter) => BASE32.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const raw = (bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2));
  const checksum = (raw[raw.length - 1] ?? 0) * 256 + (raw[raw.length - 2] ?? 0);
  return raw[0] === ISSUER_VERSION && crc16(raw.slice(0, -2)) === checksum;
}

function crc16(bytes: readonly number[]): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}
