// Who shares what a source earns: accounts and percentages, read when it is opened and saved as a whole.
import { Problem } from "../server/http";
import { putSplits, readSplits } from "../server/routes";
import type { Share, Splits } from "../server/types";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";

const words = strings.studio.splits;

const WHOLE = 10_000;
const PER_PERCENT = 100;

interface Row {
  root: HTMLElement;
  account: HTMLInputElement;
  percent: HTMLInputElement;
  remove: HTMLButtonElement;
}

export class SplitsPanel {
  readonly root: HTMLDetailsElement;
  private owner = "";
  private rows: Row[] = [];
  private readonly list = element("div", { class: "split-rows" });
  private readonly fee = element("p", { class: "hint", hidden: true });
  private readonly said = element("p", { class: "hint settings-said", role: "status" });
  private readonly form = element(
    "form",
    { hidden: true },
    this.list,
    element(
      "div",
      { class: "form-actions" },
      element("button", { type: "button", class: "button", onclick: () => this.add() }, icon("plus"), words.add),
      element("button", { type: "submit", class: "button button-primary" }, words.save),
    ),
  );

  constructor(
    private readonly token: string,
    private readonly sourceId: string,
  ) {
    this.root = element(
      "details",
      { class: "splits" },
      element("summary", {}, words.heading),
      element("p", { class: "hint" }, words.hint),
      this.fee,
      this.form,
      this.said,
    );
    this.root.addEventListener("toggle", () => {
      if (this.root.open && this.owner === "") void this.talk(() => readSplits(this.token, this.sourceId), "");
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
  }

  private save(): void {
    const shares = this.shares();
    const sum = shares.reduce((total, { basisPoints }) => total + basisPoints, 0);
    if (shares.some(({ basisPoints }) => !(basisPoints > 0))) return this.say(words.bad, true);
    if (sum !== WHOLE) return this.say(words.total(percentOf(sum)), true);
    // All for the owner is what is without any shares.
    const [only] = shares;
    const plain = shares.length === 1 && only?.account === this.owner;
    void this.talk(() => putSplits(this.token, this.sourceId, plain ? [] : shares), words.saved);
  }

  private async talk(ask: () => Promise<Splits>, done: string): Promise<void> {
    this.say("", false);
    try {
      this.show(await ask());
      this.say(done, false);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.say(error.status === 0 ? strings.common.unreachable : error.message, true);
    }
  }

  private show({ splits, owner, platformFeeBasisPoints }: Splits): void {
    this.owner = owner;
    this.form.hidden = false;
    this.fee.hidden = platformFeeBasisPoints === 0;
    setText(this.fee, words.fee(percentOf(platformFeeBasisPoints)));
    this.rows = [];
    this.list.replaceChildren();
    const shares = splits.length > 0 ? splits : [{ account: owner, basisPoints: WHOLE }];
    for (const share of shares) this.add(share);
  }

  private add({ account, basisPoints }: Share = { account: "", basisPoints: 0 }): void {
    const percent = basisPoints > 0 ? percentOf(basisPoints) : "";
    const row: Row = {
      root: element("div", { class: "split-row" }),
      account: element("input", { type: "text", required: true, maxlength: 64, value: account, placeholder: "acc_…" }),
      percent: element("input", { type: "text", required: true, inputmode: "decimal", value: percent, placeholder: "%" }),
      remove: element("button", { type: "button", class: "button button-icon" }, icon("close")),
    };
    row.remove.addEventListener("click", () => this.drop(row));
    row.root.append(row.account, row.percent, row.remove);
    this.rows.push(row);
    this.list.append(row.root);
    this.label();
  }

  private drop(row: Row): void {
    this.rows = this.rows.filter((other) => other !== row);
    row.root.remove();
    this.label();
  }

  private label(): void {
    this.rows.forEach(({ account, percent, remove }, place) => {
      account.setAttribute("aria-label", words.account(place + 1));
      percent.setAttribute("aria-label", words.part(place + 1));
      remove.setAttribute("aria-label", words.remove(place + 1));
      remove.disabled = this.rows.length === 1;
    });
  }

  /** Basis points of what cannot be read are not a number. */
  private shares(): Share[] {
    return this.rows.map(({ account, percent }) => ({
      account: account.value.trim(),
      basisPoints: basisPointsOf(percent.value),
    }));
  }

  private say(text: string, failed: boolean): void {
    this.said.classList.toggle("settings-failed", failed);
    setText(this.said, text);
  }
}

const percentOf = (basisPoints: number): string => String(basisPoints / PER_PERCENT);

function basisPointsOf(percent: string): number {
  const match = /^(\d{1,3})(?:[.,](\d{1,2}))?$/.exec(percent.trim());
  return match === null ? NaN : Number(match[1]) * PER_PERCENT + Number((match[2] ?? "").padEnd(2, "0"));
}
