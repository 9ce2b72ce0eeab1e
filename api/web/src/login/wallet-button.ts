// The button that asks the wallet for a signature, and says what became of it.
import { Problem } from "../server/http";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";
import { WalletAway, signedChallenge } from "./freighter";

const words = strings.login;

export class WalletButton {
  readonly root: HTMLElement;
  private readonly word: HTMLElement;
  private readonly button: HTMLButtonElement;
  private readonly problem = element("p", { class: "form-error", role: "alert", hidden: true });

  /** `proved` is given the signed challenge. */
  constructor(
    private readonly label: string,
    private readonly proved: (transaction: string) => Promise<void>,
    primary = true,
  ) {
    this.word = element("span", {}, label);
    this.button = element(
      "button",
      { type: "button", class: primary ? "button button-primary" : "button", onclick: () => void this.ask() },
      icon("wallet"),
      this.word,
    );
    this.root = element("div", { class: "wallet" }, this.button, this.problem);
  }

  private async ask(): Promise<void> {
    this.button.disabled = true;
    this.problem.hidden = true;
    setText(this.word, words.walletAsked);
    try {
      await this.proved(await signedChallenge());
    } catch (error) {
      this.complain(error);
    }
    this.button.disabled = false;
    setText(this.word, this.label);
  }

  private complain(error: unknown): void {
    this.problem.hidden = false;
    if (error instanceof WalletAway && error.reason === "missing") this.problem.replaceChildren(...missing());
    else if (error instanceof WalletAway) setText(this.problem, words.walletDeclined);
    else if (error instanceof Problem) setText(this.problem, error.status === 0 ? strings.common.unreachable : error.message);
    else throw error;
  }
}

function missing(): Node[] {
  const link = element("a", { href: "https://www.freighter.app", rel: "noreferrer" }, words.walletWhere);
  return [document.createTextNode(`${words.walletMissing} `), link];
}
