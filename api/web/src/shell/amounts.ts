// Amounts of money: decimal strings on the wire, whole stroops (1e-7) inside, never floating point.

const DECIMALS = 7;
const STROOPS_PER_UNIT = 10n ** BigInt(DECIMALS);

/** Stroops of a decimal amount such as `0.5`; null when it is none or has more than seven decimals. */
export function parseAmount(text: string): bigint | null {
  const match = /^(\d{1,12})(?:\.(\d{1,7}))?$/.exec(text.trim());
  if (match === null) return null;
  const fraction = (match[2] ?? "").padEnd(DECIMALS, "0");
  return BigInt(match[1] ?? "0") * STROOPS_PER_UNIT + BigInt(fraction);
}

/** All seven decimals, as on the wire. */
export function formatStroops(stroops: bigint): string {
  const fraction = (stroops % STROOPS_PER_UNIT).toString().padStart(DECIMALS, "0");
  return `${stroops / STROOPS_PER_UNIT}.${fraction}`;
}

/** Drops zeros at the end, down to `least` decimals: 0.5000000 is shown as 0.50. */
export function trimAmount(amount: string, least = 2): string {
  const [whole = "0", fraction = ""] = amount.split(".");
  const kept = fraction.replace(/0+$/, "").padEnd(least, "0");
  return kept === "" ? whole : `${whole}.${kept}`;
}

/** With a sign, also when it came in: +0.50, −0.25. */
export function signedAmount(amount: string): string {
  const out = amount.startsWith("-");
  const plain = trimAmount(out ? amount.slice(1) : amount);
  return isZero(plain) ? plain : `${out ? "−" : "+"}${plain}`;
}

export function isZero(amount: string): boolean {
  return /^[0.]*$/.test(amount);
}

/** Whether `left` is less than `right`; what cannot be read counts as nothing. */
export function isLess(left: string, right: string): boolean {
  return (parseAmount(left) ?? 0n) < (parseAmount(right) ?? 0n);
}
