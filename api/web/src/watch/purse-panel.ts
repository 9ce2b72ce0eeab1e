// Under the toll: paying from a payment channel of one's own wallet, and what is in it.
import { asGuest } from "../guest";
import { readBalance } from "../server/routes";
import { trimAmount } from "../shell/amounts";
import { Attempts } from "../shell/attempts";
import { copyButton } from "../shell/copy";
import { element, setText } from "../shell/element";
import { replaceWith } from "../shell/notice";
import { strings } from "../strings";
import { Purse } from "../vouchers/purse";
import type { ChannelTerms } from "../vouchers/routes";
import { canSign } from "../vouchers/session-key";

const words = strings.purse;

/** What a payment channel with play money holds. */
const IN_PLAY = "5";

export class PursePanel {
  readonly root = element("details", { class: "toll-panel purse", hidden: true });
  /** What is paid from; null when the balance is. */
  purse: Purse | null = null;
  private readonly body = element("div", { class: "purse-body" });
  private readonly attempts = new Attempts();
  private readonly signed = element("dd", { id: "purse-signed" });
  private readonly close = this.button(words.close, () => this.closing());
  private asked = false;

  constructor(private readonly playMoney: Promise<boolean>) {
    this.root.append(element("summary", {}, words.title), this.body, this.attempts.problem);
    this.root.addEventListener("toggle", () => void this.opened());
    void this.look();
  }

  /** While something is played, nothing is closed. */
  set busy(busy: boolean) {
    this.close.disabled = busy;
  }

  private async look(): Promise<void> {
    if (!(await canSign())) return;
    this.root.hidden = false;
    await this.attempts.make(async () => {
      this.purse = await Purse.found(() => this.update());
      if (this.purse === null) return;
      this.showPurse(this.purse);
      this.root.open = true;
    });
  }

  /** What there is to choose is asked for when somebody wants to know. */
  private async opened(): Promise<void> {
    if (!this.root.open || this.asked || this.purse !== null) return;
    this.asked = true;
    await this.attempts.make(async () => {
      const terms = await Purse.terms();
      if (terms === null) replaceWith(this.body, element("p", {}, words.none));
      else if (await this.playMoney) this.showPlay(terms);
      else await this.showHow(terms);
    });
  }

  private showPlay(terms: ChannelTerms): void {
    const open = (): Promise<void> =>
      this.attempts.make(async () => this.take(await Purse.inPlay(terms, IN_PLAY, () => this.update())));
    const asset = terms.asset;
    replaceWith(
      this.body,
      element("p", {}, words.about),
      element("p", {}, words.playAbout(IN_PLAY, asset)),
      this.button(words.play, open, true),
    );
  }

  private async showHow(terms: ChannelTerms): Promise<void> {
    const key = await Purse.pendingKey();
    const command = words.command(window.location.origin, key);
    const field = element("input", { type: "text", autocomplete: "off", spellcheck: "false" });
    const register = (): Promise<void> =>
      this.attempts.make(async () => this.take(await Purse.register(terms, field.value.trim(), () => this.update())));
    replaceWith(
      this.body,
      element("p", {}, words.about),
      element("p", {}, words.how),
      element("pre", { class: "purse-command" }, command),
      copyButton(words.commandName, () => command),
      element("label", { class: "form purse-contract" }, words.contract, field),
      this.button(words.register, register, true),
    );
  }

  private take(purse: Purse): void {
    this.purse = purse;
    this.showPurse(purse);
  }

  private showPurse(purse: Purse): void {
    const row = (name: string, value: HTMLElement): HTMLElement =>
      element("div", {}, element("dt", {}, name), value);
    const cap = element("dd", { id: "purse-cap" }, `${trimAmount(purse.cap)} ${purse.asset}`);
    const { contract } = purse;
    replaceWith(
      this.body,
      element("p", {}, words.paying),
      element("dl", { class: "figures" }, row(words.cap, cap), row(words.signed, this.signed)),
      element(
        "p",
        { class: "receipt-session" },
        element("span", {}, words.contract),
        element("code", { id: "purse-contract", title: contract }, `${contract.slice(0, 6)}…${contract.slice(-6)}`),
        copyButton(words.contract, () => contract),
      ),
      this.close,
    );
    this.update();
  }

  private update(): void {
    if (this.purse === null) return;
    const { asset, signed, state } = this.purse;
    setText(this.signed, `${trimAmount(signed)} ${asset}`);
    this.root.dataset["state"] = state;
  }

  private closing(): Promise<void> {
    return this.attempts.make(async () => {
      const { purse } = this;
      if (purse === null) return;
      const { balance } = await asGuest(readBalance);
      await purse.close(balance);
      this.purse = null;
      this.root.dataset["state"] = "closed";
      replaceWith(this.body, element("p", { id: "purse-closed" }, words.closed(trimAmount(purse.paid), purse.asset)));
    });
  }

  private button(label: string, run: () => Promise<void>, primary = false): HTMLButtonElement {
    const button = element(
      "button",
      {
        type: "button",
        class: primary ? "button button-primary" : "button",
        onclick: async () => {
          button.disabled = true;
          await run();
          button.disabled = false;
        },
      },
      label,
    );
    return button;
  }
}
