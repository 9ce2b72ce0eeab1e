// The final receipt, on paper, and the file that proves it.
import { asGuest } from "../guest";
import { Problem } from "../server/http";
import { readReceipt } from "../server/routes";
import { strings } from "../strings";
import type { Price, Receipt } from "../server/types";
import { isZero } from "../shell/amounts";
import { copyButton } from "../shell/copy";
import { clock } from "../shell/durations";
import { element } from "../shell/element";
import { icon } from "../shell/icons";
import { saveFile } from "../shell/save-file";
import { priceLine } from "./price";

const words = strings.watch;

export function receiptPanel(receipt: Receipt, price: Price, title: string): HTMLElement {
  const { sessionId, secondsBilled, amount, asset, ticks } = receipt;
  const row = (name: string, value: string): HTMLElement =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value));
  const paid = isZero(amount) ? words.receiptFree : `${amount} ${asset}`;
  return element(
    "section",
    { class: "receipt", id: "receipt", "aria-labelledby": "receipt-heading", tabindex: -1 },
    element("h2", { id: "receipt-heading", class: "eyebrow" }, words.receipt),
    element("p", { class: "receipt-title" }, title),
    element("p", { class: "receipt-paid" }, element("span", {}, words.receiptPaid), element("strong", {}, paid)),
    element(
      "dl",
      { class: "figures" },
      row(words.receiptSeconds, `${secondsBilled} s (${clock(secondsBilled)})`),
      row(words.receiptPrice, priceLine(price)),
      row(words.receiptTicks, String(ticks)),
    ),
    element(
      "p",
      { class: "receipt-session" },
      element("span", {}, words.receiptSession),
      element("code", {}, sessionId),
      copyButton(words.receiptSession, () => sessionId),
    ),
    proof(sessionId),
  );
}

function proof(sessionId: string): HTMLElement {
  const problem = element("p", { class: "form-error", role: "alert", hidden: true }, words.receiptFailed);
  const save = async (): Promise<void> => {
    problem.hidden = true;
    try {
      saveFile(await asGuest((token) => readReceipt(token, sessionId)), `tollcast-receipt-${sessionId}.json`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem.hidden = false;
    }
  };
  return element(
    "div",
    { class: "receipt-proof" },
    element(
      "button",
      { type: "button", class: "button", onclick: () => void save() },
      icon("download"),
      words.receiptDownload,
    ),
    element("a", { class: "button", href: `/verify#session=${sessionId}` }, icon("check"), words.receiptVerify),
    problem,
  );
}
