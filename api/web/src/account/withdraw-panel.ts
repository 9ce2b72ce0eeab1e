// Money back out to a wallet, and how far it has come.
import { Problem, newKey } from "../server/http";
import { listWithdrawals, withdraw } from "../server/routes";
import type { AssetBalance, Withdrawal } from "../server/types";
import { isZero, parseAmount, trimAmount } from "../shell/amounts";
import { Announcer } from "../shell/announcer";
import { codeOf } from "../shell/asset";
import { moment } from "../shell/durations";
import { element, setText, showList } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";
import { ends, transaction } from "./deposit-panel";

const words = strings.funding;

export class WithdrawPanel {
  readonly root: HTMLElement;
  private readonly amount = element("input", { id: "withdraw-amount", inputmode: "decimal", autocomplete: "off" });
  private readonly address = element("input", { id: "withdraw-address", autocomplete: "off", spellcheck: "false" });
  private readonly memo = element("input", { id: "withdraw-memo", autocomplete: "off" });
  private readonly asset = element("select", { id: "withdraw-asset", "aria-label": words.asset });
  private readonly word = element("span", {}, words.withdraw);
  private readonly button = element("button", { class: "button button-primary" }, icon("out"), this.word);
  private readonly error = element("p", { class: "form-error", id: "withdraw-error", role: "alert", hidden: true });
  private readonly form: HTMLFormElement;
  private readonly list = element("ul", { class: "chain-moves" });
  private readonly announcer = new Announcer();
  private balances: readonly AssetBalance[] = [];
  private key = newKey();

  /** `changed` is called when money was set aside. */
  constructor(
    private readonly token: string,
    private readonly changed: () => void,
  ) {
    const all = element("button", { type: "button", class: "button button-small", onclick: () => this.fillAll() }, words.all);
    this.form = element(
      "form",
      { class: "form withdraw-form", novalidate: true },
      element("label", { for: "withdraw-amount" }, words.amount),
      element("div", { class: "withdraw-sum" }, this.amount, this.asset, all),
      element("label", { for: "withdraw-address" }, words.destination),
      this.address,
      element("label", { for: "withdraw-memo" }, words.memoOptional),
      this.memo,
      element("p", { class: "hint" }, words.memoHint),
      this.error,
      this.button,
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    // Another wish has another key: the same one sent again is the same money.
    this.form.addEventListener("input", () => {
      this.key = newKey();
    });
    this.root = element(
      "section",
      { class: "panel", "aria-labelledby": "withdraw-heading", hidden: true },
      element("h2", { id: "withdraw-heading", class: "eyebrow" }, words.withdrawHeading),
      element("p", { class: "muted" }, words.withdrawText),
      this.form,
      this.list,
      this.announcer.region,
    );
  }

  /** Throws Problem. */
  async refresh(): Promise<void> {
    const withdrawals = await listWithdrawals(this.token);
    showList(
      this.list,
      withdrawals,
      ({ withdrawalId }) => withdrawalId,
      (each) => new Row(each).root,
      (made, each) => rows.get(made)?.update(each),
    );
    this.root.hidden = withdrawals.length === 0 && this.balances.length === 0;
  }

  /** What there is to be taken out. */
  update(balances: readonly AssetBalance[]): void {
    this.balances = balances;
    const known = [...this.asset.options].map(({ value }) => value).join();
    if (known !== balances.map(({ asset }) => asset).join()) {
      const chosen = this.asset.value;
      this.asset.replaceChildren(
        ...balances.map(({ asset }) => element("option", { value: asset, selected: asset === chosen }, codeOf(asset))),
      );
    }
    this.asset.hidden = balances.length < 2;
    this.root.hidden = this.list.childElementCount === 0 && balances.length === 0;
  }

  private fillAll(): void {
    const found = this.balances.find(({ asset }) => asset === this.asset.value);
    this.amount.value = found === undefined || isZero(found.balance) ? "" : trimAmount(found.balance);
    this.key = newKey();
    this.amount.focus();
  }

  private async send(): Promise<void> {
    this.calm();
    const amount = this.amount.value.trim();
    const address = this.address.value.trim();
    const memo = this.memo.value.trim();
    const stroops = parseAmount(amount);
    if (stroops === null || stroops === 0n) return this.complain(this.amount, words.errorAmount);
    if (!/^[GM][A-Z2-7]{55,68}$/.test(address)) return this.complain(this.address, words.errorAddress);
    this.button.disabled = true;
    setText(this.word, words.withdrawing);
    try {
      const asked = { amount, address, asset: this.asset.value, ...(memo !== "" && { memo }) };
      await withdraw(this.token, asked, this.key);
      this.form.reset();
      this.key = newKey();
      this.announcer.say(words.withdrawn(`${trimAmount(amount)} ${codeOf(asked.asset)}`));
      this.changed();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.complain(this.fieldOf(error), refusal(error));
    }
    this.button.disabled = false;
    setText(this.word, words.withdraw);
  }

  /** The server says first which field it is about. */
  private fieldOf({ code, detail }: Problem): HTMLElement {
    if (code === "destination_refused" || detail.startsWith("address:")) return this.address;
    if (code === "insufficient_funds" || detail.startsWith("amount:")) return this.amount;
    return detail.startsWith("memo:") ? this.memo : this.button;
  }

  private complain(field: HTMLElement, text: string): void {
    const line = field.parentElement?.classList.contains("withdraw-sum") === true ? field.parentElement : field;
    if (field === this.button) this.button.before(this.error);
    else line.after(this.error);
    if (field instanceof HTMLInputElement) {
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-errormessage", this.error.id);
    }
    this.error.hidden = false;
    setText(this.error, text);
    field.focus();
  }

  private calm(): void {
    this.error.hidden = true;
    for (const field of [this.amount, this.address, this.memo]) {
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-errormessage");
    }
  }
}

function refusal({ status, code, message }: Problem): string {
  if (status === 0) return strings.common.unreachable;
  if (code === "insufficient_funds") return words.errorFunds;
  const text = message.replace(/^(amount|address|memo|asset): /, "");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

class Row {
  readonly root: HTMLElement;
  private readonly state = element("span", { class: "badge" });
  private readonly why = element("span", { class: "form-error", hidden: true });
  private readonly hash = element("span", { class: "movement-hash" });

  constructor({ amount, asset, address, requestedAt }: Withdrawal) {
    this.root = element(
      "li",
      { class: "chain-move" },
      element("strong", { class: "movement-amount" }, `${trimAmount(amount)} ${codeOf(asset)}`),
      this.state,
      element("time", { class: "muted", datetime: requestedAt }, moment(requestedAt, new Date())),
      element("span", { class: "muted", title: address }, words.to(ends(address))),
      this.hash,
      this.why,
    );
    rows.set(this.root, this);
  }

  update({ state, code, transactionHash }: Withdrawal): void {
    setText(this.state, words.states[state] ?? state);
    this.state.dataset["state"] = state;
    this.why.hidden = code === null;
    setText(this.why, code === null ? "" : (words.reasons[code] ?? code));
    if (transactionHash !== null && this.hash.childElementCount === 0) {
      this.hash.replaceChildren(transaction(transactionHash));
    }
  }
}

const rows = new WeakMap<HTMLElement, Row>();
