// What came out of the check of one file.
import { formatStroops, trimAmount } from "../shell/amounts";
import { clock } from "../shell/durations";
import { element } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";
import type { Checked, Fault } from "./check";
import type { ReceiptDocument } from "./shape";

const words = strings.verify;

/** So many faults are told; a file that is another one altogether has as many as it has lines. */
const FAULTS_MAX = 12;
const KEY_CHARACTERS = 12;
const UNITS_PER_SECOND = 90_000;

type Verdict = "sound" | "changed" | "stranger";

/** `keys` are the server's; null when it could not be asked. */
export function resultCard(name: string, { faults, document }: Checked, keys: ReadonlySet<string> | null): HTMLElement {
  if (document === null || faults.length > 0) return card("changed", name, ...faultList(faults));
  if (keys !== null && !keys.has(document.key))
    return card("stranger", name, element("p", {}, words.strangerText(short(document.key))), figures(document));
  return card("sound", name, paid(document), figures(document), checks(document, keys !== null));
}

/** A file that could not even be looked at. */
export function failureCard(name: string, reason: string): HTMLElement {
  return card("changed", name, element("p", {}, `${words.unreadable}: ${reason}`));
}

function card(verdict: Verdict, name: string, ...content: (HTMLElement | false)[]): HTMLElement {
  return element(
    "section",
    { class: "verdict", "data-verdict": verdict },
    element(
      "header",
      {},
      element("span", { class: "verdict-icon" }, icon(verdict === "sound" ? "check" : "alert")),
      element("h2", {}, words[verdict]),
      element("p", { class: "verdict-file" }, name),
    ),
    ...content,
  );
}

function faultList(faults: readonly Fault[]): (HTMLElement | false)[] {
  const [first, ...others] = faults;
  if (first === undefined) return [];
  return [
    element(
      "div",
      { class: "fault-first" },
      element("p", { class: "eyebrow" }, words.first),
      element("code", {}, first.path),
      element("p", {}, first.reason),
    ),
    others.length > 0 &&
      element(
        "details",
        { class: "fault-others" },
        element("summary", {}, words.more(others.length)),
        element("ul", {}, ...others.slice(0, FAULTS_MAX).map(faultLine)),
      ),
  ];
}

const faultLine = ({ path, reason }: Fault): HTMLElement =>
  element("li", {}, element("code", {}, path), element("span", {}, reason));

function paid({ totals, asset }: ReceiptDocument): HTMLElement {
  const [code] = asset.split(":");
  const amount = `${trimAmount(formatStroops(BigInt(totals.paid)))} ${code ?? asset}`;
  return element("p", { class: "verdict-paid" }, element("span", {}, words.paid), element("strong", {}, amount));
}

function figures(document: ReceiptDocument): HTMLElement {
  const row = (name: string, value: string): HTMLElement =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value));
  const { seconds, waived } = document.totals;
  return element(
    "dl",
    { class: "figures" },
    row(words.seconds, `${seconds} s (${clock(seconds)})`),
    waived > 0 && row(words.waived, words.waivedSeconds((waived / UNITS_PER_SECOND).toFixed(1))),
    row(words.period, `${moment(document.openedAt)}, ${moment(document.closedAt)}`),
    row(words.content, document.content),
    row(words.payee, document.payee),
    row(words.session, document.session),
    row(words.hash, document.chain[document.chain.length - 1] ?? ""),
    row(words.previous, document.previous ?? words.previousNone),
    ...settlement(document).map((line) => row(words.settlement, line)),
  );
}

function settlement({ settlement: known }: ReceiptDocument): string[] {
  if (known === null) return [words.settlementNone];
  return known.payouts.map(({ state, transaction }) => (transaction === null ? state : words.transaction(transaction, state)));
}

function checks(document: ReceiptDocument, asked: boolean): HTMLElement {
  const { chain, ticks, intervals, totals, key } = document;
  const lines = [
    words.okWritten,
    words.okChain(chain.length),
    asked ? words.okSigned : words.okSignedBy(short(key)),
    words.okCosts(ticks.length),
    words.okMedia(intervals.length, totals.seconds),
  ];
  return element("ul", { class: "checks" }, ...lines.map((line) => element("li", {}, icon("check"), line)));
}

const moment = (text: string): string => new Date(text).toLocaleString();

const short = (key: string): string => `${key.slice(0, KEY_CHARACTERS)}…`;
