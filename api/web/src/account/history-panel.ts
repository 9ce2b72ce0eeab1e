// Where the money went: a line for each session, payout and deposit, and why.
import { Problem } from "../server/http";
import { readHistory } from "../server/routes";
import type { Movement, ReasonLine } from "../server/types";
import { isZero, signedAmount, trimAmount } from "../shell/amounts";
import { codeOf } from "../shell/asset";
import { copyButton } from "../shell/copy";
import { moment } from "../shell/durations";
import { element } from "../shell/element";
import { icon, type IconName } from "../shell/icons";
import { strings } from "../strings";

const words = strings.account;

const icons: Record<string, IconName> = {
  watched: "play",
  earned: "coin",
  pass: "play",
  pass_sold: "coin",
  payout: "out",
  withdrawal: "out",
  deposit: "plus",
  play_money: "plus",
};

export class HistoryPanel {
  readonly root: HTMLElement;
  private readonly list = element("ul", { class: "history" });
  private readonly empty = element("p", { class: "muted", hidden: true }, words.historyNone);
  private readonly more: HTMLButtonElement;
  private readonly problem = element("p", { class: "form-error", role: "alert", hidden: true });
  private next: string | null = null;
  private shown = "";
  private older = false;

  constructor(private readonly token: string) {
    this.more = element(
      "button",
      { type: "button", class: "button button-small", hidden: true, onclick: () => void this.showOlder() },
      words.more,
    );
    this.root = element(
      "section",
      { class: "panel", "aria-labelledby": "history-heading" },
      element("h2", { id: "history-heading", class: "eyebrow" }, words.history),
      this.list,
      this.empty,
      this.problem,
      this.more,
    );
  }

  /** Brings the newest page up to date; who has leafed on keeps what is there. Throws Problem. */
  async refresh(): Promise<void> {
    if (this.older) return;
    const { items, next } = await readHistory(this.token, null);
    const state = JSON.stringify(items);
    // A line that somebody is reading, or has opened, is not made anew for nothing.
    if (state === this.shown || this.older) return;
    this.shown = state;
    this.list.replaceChildren(...items.map(row));
    this.empty.hidden = items.length > 0;
    this.goOnAt(next);
  }

  private async showOlder(): Promise<void> {
    this.more.disabled = true;
    this.problem.hidden = true;
    this.older = true;
    try {
      const { items, next } = await readHistory(this.token, this.next);
      this.list.append(...items.map(row));
      this.goOnAt(next);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.problem.textContent = error.message;
      this.problem.hidden = false;
    }
    this.more.disabled = false;
  }

  private goOnAt(next: string | null): void {
    this.next = next;
    this.more.hidden = next === null;
  }
}

function row(movement: Movement): HTMLElement {
  const { type, asset, amount, at, title, contentId, state, lines } = movement;
  const kind = words.kinds[type] ?? type;
  const word = state === null || state === "closed" ? "" : (words.states[state] ?? state);
  const name = title ?? "";
  return element(
    "li",
    { class: "movement", "data-type": type },
    element("span", { class: "movement-icon" }, icon(icons[type] ?? "wallet")),
    element(
      "div",
      { class: "movement-words" },
      element("strong", {}, kind),
      name !== "" && element("a", { href: `/watch/${encodeURIComponent(contentId ?? "")}` }, name),
      word !== "" && element("span", { class: "badge" }, word),
      element("time", { class: "muted", datetime: at }, moment(at, new Date())),
      lines.length > 0 && element("ul", { class: "reasons" }, ...lines.map((line) => reason(line, movement))),
      transaction(movement.transactionHash),
    ),
    element(
      "strong",
      { class: "movement-amount", "data-sign": amount.startsWith("-") ? "out" : "in" },
      `${signedAmount(amount)} ${codeOf(asset)}`,
    ),
  );
}

function reason({ type, reason: why, amount, seconds }: ReasonLine, { type: kind, asset }: Movement): HTMLElement | null {
  if (type === "charge" && isZero(amount)) return null;
  const worth = `${trimAmount(amount)} ${codeOf(asset)}`;
  if (type === "waived") return element("li", { "data-reason": type }, words.lineWaived(seconds ?? 0));
  const charge = kind === "earned" ? words.lineEarned : words.lineCharge;
  const text = type === "charge" ? charge(seconds ?? 0, worth) : words.lineRefund(worth, words.reasons[why] ?? why);
  return element("li", { "data-reason": type }, text);
}

function transaction(hash: string | null): HTMLElement | null {
  if (hash === null) return null;
  const ends = `${hash.slice(0, 8)}…${hash.slice(-8)}`;
  return element(
    "span",
    { class: "movement-hash" },
    element("code", { title: hash }, ends),
    copyButton(words.transaction, () => hash),
  );
}
