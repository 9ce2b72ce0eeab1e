// Where somebody is signed in, and how to end that from here.
import { endSignIn, listSignIns, logOut } from "../server/auth";
import { forgetSession } from "../server/signed-in";
import type { SignIn } from "../server/types";
import { Attempts } from "../shell/attempts";
import { confirmed } from "../shell/confirm";
import { moment } from "../shell/durations";
import { element } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";
import { deviceName } from "./device";

const words = strings.login.signIns;

export class SignInsPanel {
  readonly root: HTMLElement;
  private readonly list = element("ul", { class: "access-list" });
  private readonly attempts = new Attempts();
  private readonly everywhere: HTMLButtonElement;

  constructor(private readonly token: string) {
    this.everywhere = element(
      "button",
      { type: "button", class: "button button-small", onclick: () => void this.attempts.make(() => this.endAll()) },
      words.everywhere,
    );
    this.root = element(
      "section",
      { class: "panel", "aria-labelledby": "sign-ins-heading" },
      element("h2", { id: "sign-ins-heading", class: "eyebrow" }, words.heading),
      this.list,
      this.attempts.problem,
      this.everywhere,
    );
  }

  open(): void {
    void this.attempts.make(() => this.refresh());
  }

  private async refresh(): Promise<void> {
    const found = await listSignIns(this.token);
    this.list.replaceChildren(...found.map((each) => this.row(each)));
    this.everywhere.hidden = found.length < 2;
  }

  private row(signIn: SignIn): HTMLElement {
    const { device, usedAt, subject, current, clientDomain } = signIn;
    const name = deviceName(device) || words.unknown;
    const way = subject.startsWith("acc_") ? words.byPassword : words.byWallet(shortened(subject));
    const end = (): Promise<void> => this.attempts.make(() => this.end(signIn));
    return element(
      "li",
      {},
      icon(subject.startsWith("acc_") ? "lock" : "wallet"),
      element(
        "div",
        { class: "access-words" },
        element("strong", { title: device }, name),
        element("small", {}, clientDomain === null ? way : `${way}, ${clientDomain}`),
        element("small", {}, words.used(moment(usedAt, new Date()))),
      ),
      current
        ? element("span", { class: "badge" }, words.here)
        : element("button", { type: "button", class: "button button-small", "aria-label": words.endWhich(name), onclick: () => void end() }, words.end),
    );
  }

  private async end({ id }: SignIn): Promise<void> {
    await endSignIn(this.token, id);
    await this.refresh();
  }

  private async endAll(): Promise<void> {
    const question = { title: words.everywhereTitle, text: words.everywhereText, confirm: words.everywhere };
    if (!(await confirmed(question))) return;
    await logOut(this.token, true);
    forgetSession();
    window.location.assign("/login");
  }
}

export function shortened(subject: string): string {
  const [address = "", memo] = subject.split(":");
  const short = `${address.slice(0, 4)}…${address.slice(-4)}`;
  return memo === undefined ? short : `${short}:${memo}`;
}
