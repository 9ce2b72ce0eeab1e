// Whether what a receipt says can be: the page's twin of metering/receipts/content.py.
import type { ReceiptDocument, Terms, Tick } from "./shape.ts";
import { due, isInLowestTerms, isTariff, tariffId, type Watched } from "./tariff.ts";

export interface Fault {
  path: string;
  reason: string;
}

const UNITS_PER_SECOND = 90_000n;

/** What cannot be, from the top of the document to its end. Times may be of two servers' clocks. */
export async function contentFaults(document: ReceiptDocument): Promise<Fault[]> {
  return [
    ...(await tariffFaults(document)),
    ...intervalFaults(document),
    ...tickFaults(document),
    ...totalFaults(document),
  ];
}

async function tariffFaults({ tariffs, asset }: ReceiptDocument): Promise<Fault[]> {
  const faults: Fault[] = [];
  if (tariffs.length === 0)
    faults.push({ path: "tariffs", reason: "is empty: nothing says what this session costs" });
  for (const [place, { epoch, tariff }] of tariffs.entries()) {
    const path = `tariffs[${place}]`;
    if (tariff.asset !== asset) faults.push({ path: `${path}.tariff.asset`, reason: `the receipt is in ${asset}` });
    if (!isTariff(tariff)) faults.push({ path: `${path}.tariff`, reason: "is no tariff" });
    else if (!isInLowestTerms(tariff)) faults.push({ path: `${path}.tariff`, reason: "is not in lowest terms" });
    else {
      const id = await tariffId(tariff);
      if (id !== epoch) faults.push({ path: `${path}.epoch`, reason: `this tariff is ${id}` });
    }
  }
  return faults;
}

function intervalFaults({ intervals }: ReceiptDocument): Fault[] {
  const faults: Fault[] = [];
  let end = 0;
  intervals.forEach(({ lo, hi }, place) => {
    const path = `intervals[${place}]`;
    if (lo < end) faults.push({ path: `${path}.lo`, reason: `media before ${end} is in the receipt already` });
    if (hi <= lo) faults.push({ path: `${path}.hi`, reason: "is not after lo" });
    end = Math.max(end, hi);
  });
  return faults;
}

/** What is due by now, and under which terms. */
class Account {
  private place = -1;
  private since: Watched = [0, []];
  private now: Watched = [0, []];
  private before = 0n;
  private due = 0n;

  constructor(private readonly tariffs: readonly Terms[]) {}

  /** What is wrong with where a run begins and ends. */
  faults(path: string, tick: Tick): Fault[] {
    const faults: Fault[] = [];
    const [last] = this.now;
    if (tick.tariff < this.place) faults.push({ path: `${path}.tariff`, reason: "was replaced before" });
    else if (tick.tariff > this.place) {
      this.takeOver(tick.tariff);
      if (this.since[0] !== last)
        faults.push({ path: `tariffs[${this.place}].since`, reason: `second ${last} is next` });
    }
    if (tick.first !== last) faults.push({ path: `${path}.first`, reason: `second ${last} is next` });
    if (tick.last < tick.first) faults.push({ path: `${path}.last`, reason: "is before first" });
    const [, before] = this.now;
    if (tick.rungs.some((count) => count > tick.last))
      faults.push({ path: `${path}.rungs`, reason: "are more seconds than there were" });
    if (tick.rungs.some((count, place) => count < (before[place] ?? 0)))
      faults.push({ path: `${path}.rungs`, reason: "are fewer seconds than before" });
    return faults;
  }

  /** What a run costs that follows those before. */
  expect({ tariff }: Terms, tick: Tick): bigint {
    let sum = this.before + due(tariff, this.since, [tick.last, tick.rungs]);
    if (tariff.sessionCap !== null) {
      const capped = sum < BigInt(tariff.sessionCap) ? sum : BigInt(tariff.sessionCap);
      sum = capped > this.due ? capped : this.due;
    }
    const expected = sum - this.due;
    this.due = sum;
    return expected;
  }

  /** The next run follows this one. */
  moveOn(tick: Tick): void {
    this.now = [Math.max(this.now[0], tick.last), tick.rungs];
  }

  private takeOver(place: number): void {
    const terms = this.tariffs[place];
    this.place = place;
    this.before = this.due;
    this.since = [terms?.since ?? 0, terms?.rungs ?? []];
    this.now = [this.now[0], this.since[1]];
  }
}

function tickFaults({ ticks, tariffs }: ReceiptDocument): Fault[] {
  const faults: Fault[] = [];
  const account = new Account(tariffs);
  ticks.forEach((tick, place) => {
    const path = `ticks[${place}]`;
    const terms = tariffs[tick.tariff];
    if (terms === undefined) {
      faults.push({ path: `${path}.tariff`, reason: "is not in the receipt" });
      return;
    }
    faults.push(...account.faults(path, tick));
    if (isTariff(terms.tariff)) {
      const expected = account.expect(terms, tick);
      if (BigInt(tick.amount) !== expected)
        faults.push({
          path: `${path}.amount`,
          reason: `the tariff says ${expected}, the file says ${tick.amount}`,
        });
    }
    account.moveOn(tick);
  });
  return faults;
}

const sumOf = (parts: readonly { amount: string }[]): bigint =>
  parts.reduce((sum, { amount }) => sum + BigInt(amount), 0n);

function totalFaults({ ticks, refunds, intervals, totals }: ReceiptDocument): Fault[] {
  const faults: Fault[] = [];
  const seconds = ticks[ticks.length - 1]?.last ?? 0;
  const units = intervals.reduce((sum, { lo, hi }) => sum + BigInt(hi) - BigInt(lo), 0n);
  if (units - BigInt(totals.waived) < BigInt(seconds) * UNITS_PER_SECOND)
    faults.push({
      path: "intervals",
      reason: `${units} units of media are too short for ${seconds} seconds and ${totals.waived} waived units`,
    });
  if (totals.seconds !== seconds)
    faults.push({
      path: "totals.seconds",
      reason: `the ticks say ${seconds}, the file says ${totals.seconds}`,
    });
  const charged = sumOf(ticks);
  const refunded = sumOf(refunds);
  const sums = { charged, refunded, paid: charged - refunded };
  for (const name of ["charged", "refunded", "paid"] as const)
    if (totals[name] !== String(sums[name]))
      faults.push({
        path: `totals.${name}`,
        reason: `the sum is ${sums[name]}, the file says ${totals[name]}`,
      });
  return faults;
}
