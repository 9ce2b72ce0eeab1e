// What members a receipt has, of which kinds, as metering/receipts/shape.py has them.
import { FORMAT } from "./chain.ts";
import { isObject, Misread, type Members, type Value } from "./text.ts";

type Check = (path: string, value: Value) => void;

const AMOUNT_MAX = 2n ** 63n - 1n;

const wrong = (path: string, wanted: string): Misread => new Misread(path, `is not ${wanted}`);

const matches =
  (pattern: RegExp, wanted: string): Check =>
  (path, value) => {
    if (typeof value !== "string" || !pattern.test(value)) throw wrong(path, wanted);
  };

const orNull =
  (check: Check): Check =>
  (path, value) => {
    if (value !== null) check(path, value);
  };

const isFormat: Check = (path, value) => {
  if (value !== FORMAT) throw wrong(path, FORMAT);
};

const isCount: Check = (path, value) => {
  if (typeof value !== "number" || value < 0) throw wrong(path, "a whole number");
};

const isAmount: Check = (path, value) => {
  if (typeof value !== "string" || !/^(0|[1-9][0-9]{0,18})$/.test(value) || BigInt(value) > AMOUNT_MAX)
    throw wrong(path, "an amount in stroops");
};

const listOf =
  (item: Check): Check =>
  (path, value) => {
    if (!Array.isArray(value)) throw wrong(path, "a list");
    value.forEach((each, place) => item(`${path}[${place}]`, each));
  };

const member = (path: string, name: string): string => (path === "the file" ? name : `${path}.${name}`);

function objectOf(members: Record<string, Check>): Check {
  const wanted = Object.entries(members);
  return (path, value) => {
    if (!isObject(value)) throw wrong(path, "an object");
    const names = Object.keys(value);
    wanted.forEach(([name, check], place) => {
      const found = names[place];
      const at = member(path, found ?? name);
      if (found === undefined) throw new Misread(at, "is missing");
      if (found !== name) throw new Misread(at, `stands where ${name} belongs`);
      check(at, value[name] ?? null);
    });
    const more = names[wanted.length];
    if (more !== undefined) throw new Misread(member(path, more), "does not belong here");
  };
}

const isName = matches(/^[!-~]{1,200}$/, "a name");
const isMoment = matches(/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/, "a time");
const isHash = matches(/^[0-9a-f]{64}$/, "a hash");
const isSignature = matches(/^[0-9a-f]{128}$/, "a signature");
const price = { seconds: isCount, stroops: isCount };

const isReceipt = objectOf({
  format: isFormat,
  session: isName,
  viewer: isName,
  content: isName,
  payee: isName,
  asset: isName,
  openedAt: isMoment,
  closedAt: isMoment,
  previous: orNull(isHash),
  key: matches(/^[A-Za-z0-9_-]{43}$/, "a public key"),
  tariffs: listOf(
    objectOf({
      epoch: isName,
      since: isCount,
      rungs: listOf(isCount),
      tariff: objectOf({
        asset: isName,
        freeSeconds: isCount,
        price: objectOf(price),
        rungs: listOf(objectOf({ heightMin: isCount, ...price })),
        sessionCap: orNull(isCount),
        viewStroops: isCount,
      }),
    }),
  ),
  intervals: listOf(objectOf({ lo: isCount, hi: isCount })),
  ticks: listOf(
    objectOf({
      tariff: isCount,
      first: isCount,
      last: isCount,
      rungs: listOf(isCount),
      amount: isAmount,
      posts: listOf(isCount),
    }),
  ),
  refunds: listOf(objectOf({ transfer: isName, cause: isName, amount: isAmount })),
  totals: objectOf({ seconds: isCount, waived: isCount, charged: isAmount, refunded: isAmount, paid: isAmount }),
  chain: listOf(isHash),
  signature: isSignature,
  settlement: orNull(
    objectOf({
      asOf: isMoment,
      payouts: listOf(objectOf({ payee: isName, payout: isName, state: isName, transaction: orNull(isHash) })),
      signature: isSignature,
    }),
  ),
});

export interface Price {
  seconds: number;
  stroops: number;
}
export interface Tariff {
  asset: string;
  freeSeconds: number;
  price: Price;
  rungs: ({ heightMin: number } & Price)[];
  sessionCap: number | null;
  viewStroops: number;
}
export interface Terms {
  epoch: string;
  since: number;
  rungs: number[];
  tariff: Tariff;
}
export interface Tick {
  tariff: number;
  first: number;
  last: number;
  rungs: number[];
  amount: string;
  posts: number[];
}
export interface Settlement {
  asOf: string;
  payouts: { payee: string; payout: string; state: string; transaction: string | null }[];
  signature: string;
}
export interface ReceiptDocument {
  session: string;
  viewer: string;
  content: string;
  payee: string;
  asset: string;
  openedAt: string;
  closedAt: string;
  previous: string | null;
  key: string;
  tariffs: Terms[];
  intervals: { lo: number; hi: number }[];
  ticks: Tick[];
  refunds: { transfer: string; cause: string; amount: string }[];
  totals: { seconds: number; waived: number; charged: string; refunded: string; paid: string };
  chain: string[];
  signature: string;
  settlement: Settlement | null;
}

/** The document as a receipt. Throws Misread with the first place where it is none. */
export function shaped(document: Members): ReceiptDocument {
  isReceipt("the file", document);
  return document as unknown as ReceiptDocument;
}
