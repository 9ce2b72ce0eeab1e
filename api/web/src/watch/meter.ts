// The running toll: what was paid so far, as the server's ledger has it.
import { strings } from "../strings";
import type { SessionStatus } from "../server/types";
import { trimAmount } from "../shell/amounts";
import { Announcer } from "../shell/announcer";
import { clock, spell } from "../shell/durations";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";
import { Dial } from "./dial";

const words = strings.watch;

/** With less than this left, the figures warn. */
const LOW_S = 60;

export class Meter {
  readonly root: HTMLElement;
  private readonly dial = new Dial();
  private readonly announcer = new Announcer();
  private readonly amount = element("span", { class: "dial-amount", id: "amount" }, "0.0000000");
  private readonly asset = element("span", { class: "dial-asset" });
  private readonly seconds = element("dd", { id: "seconds" }, "0:00");
  private readonly balance = element("dd", { id: "balance" }, "–");
  private readonly affordable = element("dd", { id: "affordable" }, "–");
  private readonly waived = element("p", { class: "meter-waived", id: "waived", hidden: true });
  private readonly still = element("p", { class: "meter-still", role: "status" });
  private readonly word = element("span", {}, words.stop);
  private readonly button: HTMLButtonElement;
  private readonly problem = element("p", { class: "form-error", role: "alert", hidden: true });

  constructor(stop: () => void) {
    this.button = element(
      "button",
      { type: "button", class: "button button-stop", id: "stop", onclick: stop },
      icon("stop"),
      this.word,
    );
    const row = (name: string, value: HTMLElement): HTMLElement =>
      element("div", {}, element("dt", {}, name), value);
    this.root = element(
      "section",
      { class: "toll-panel meter", "aria-labelledby": "meter-heading" },
      element("h2", { id: "meter-heading", class: "eyebrow" }, words.meter),
      element(
        "div",
        { class: "dial-box" },
        this.dial.root,
        element(
          "p",
          { class: "dial-words" },
          element("span", { class: "dial-label" }, words.paid),
          this.amount,
          this.asset,
        ),
      ),
      element(
        "dl",
        { class: "figures" },
        row(words.seconds, this.seconds),
        row(words.affordable, this.affordable),
        row(words.balance, this.balance),
      ),
      this.waived,
      this.still,
      this.button,
      this.problem,
      this.announcer.region,
    );
  }

  update(status: SessionStatus): void {
    const { amount, asset, secondsBilled, balance, secondsAffordable, secondsWaived } = status;
    this.dial.update(secondsBilled);
    setText(this.amount, amount);
    setText(this.asset, asset);
    setText(this.seconds, clock(secondsBilled));
    this.waived.hidden = secondsWaived === 0;
    setText(this.waived, words.waived(secondsWaived));
    setText(this.balance, `${trimAmount(balance)} ${asset}`);
    setText(
      this.affordable,
      secondsAffordable === null ? words.affordableEndless : spell(secondsAffordable),
    );
    this.root.classList.toggle("meter-low", secondsAffordable !== null && secondsAffordable < LOW_S);
    this.announcer.offer(
      words.announce(trimAmount(amount), asset, secondsBilled),
      performance.now(),
    );
  }

  /** Nothing comes from the publisher, and so nothing is charged. */
  showStill(still: boolean): void {
    this.root.classList.toggle("meter-stands", still);
    setText(this.still, still ? words.still : "");
  }

  stopping(): void {
    this.button.disabled = true;
    this.problem.hidden = true;
    setText(this.word, words.stopping);
  }

  stopFailed(): void {
    this.button.disabled = false;
    this.problem.hidden = false;
    setText(this.problem, words.stopFailed);
    setText(this.word, words.stop);
  }
}
