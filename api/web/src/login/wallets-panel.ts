// Who an account is, which wallets open it, and to which of them it is paid.
import { changeProfile, linkWallet, readProfile, unlinkWallet } from "../server/auth";
import { keepUser } from "../server/signed-in";
import type { Profile, Wallet } from "../server/types";
import { Attempts } from "../shell/attempts";
import { confirmed } from "../shell/confirm";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";
import { shortened } from "./sign-ins-panel";
import { WalletButton } from "./wallet-button";

const words = strings.login.wallets;

export class WalletsPanel {
  readonly root: HTMLElement;
  private readonly who = element("p", {});
  private readonly list = element("ul", { class: "access-list" });
  private readonly attempts = new Attempts();

  constructor(private readonly token: string) {
    const link = async (transaction: string): Promise<void> => this.show(await linkWallet(token, transaction));
    this.root = element(
      "section",
      { class: "panel", "aria-labelledby": "wallets-heading" },
      element("h2", { id: "wallets-heading", class: "eyebrow" }, words.heading),
      this.who,
      this.list,
      this.attempts.problem,
      element("p", { class: "hint" }, words.hint),
      new WalletButton(words.link, link, false).root,
    );
  }

  open(): void {
    void this.attempts.make(async () => this.show(await readProfile(this.token)));
  }

  private show(profile: Profile): void {
    const { username, email, wallets, payoutAddress } = profile;
    setText(this.who, email === null ? username : `${username} · ${email}`);
    this.list.replaceChildren(...wallets.map((wallet) => this.row(wallet, payoutAddress)));
  }

  private row({ subject, payable }: Wallet, payoutAddress: string | null): HTMLElement {
    const isPaid = subject === payoutAddress;
    const name = shortened(subject);
    const act = (label: string, spoken: string, work: () => Promise<void>): HTMLElement =>
      element(
        "button",
        { type: "button", class: "button button-small", "aria-label": spoken, onclick: () => void this.attempts.make(work) },
        label,
      );
    return element(
      "li",
      {},
      icon("wallet"),
      element("code", { class: "access-words", title: subject }, name),
      isPaid && element("span", { class: "badge" }, words.paid),
      element(
        "span",
        { class: "access-actions" },
        payable && !isPaid && act(words.pay, words.payWhich(name), () => this.pay(subject)),
        act(words.unlink, words.unlinkWhich(name), () => this.unlink(subject)),
      ),
    );
  }

  /** Asked once more: money that went to a wrong address does not come back. */
  private async pay(subject: string): Promise<void> {
    const question = { title: words.payTitle, text: words.payText(subject), confirm: words.pay };
    if (!(await confirmed(question))) return;
    const profile = await changeProfile(this.token, { payoutAddress: subject });
    keepUser(profile);
    this.show(profile);
  }

  private async unlink(subject: string): Promise<void> {
    const question = { title: words.unlinkTitle(shortened(subject)), text: words.unlinkText, confirm: words.unlink };
    if (await confirmed(question)) this.show(await unlinkWallet(this.token, subject));
  }
}
