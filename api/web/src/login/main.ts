// The login page: a wallet, or an e-mail address and a password; and the way out.
import { openPage } from "../shell/page";
import "../styles/login.css";
import { knownGuest } from "../guest";
import { signedInUser } from "../server/signed-in";
import type { User } from "../server/types";
import { element, required, type Child } from "../shell/element";
import { icon } from "../shell/icons";
import { replaceWith } from "../shell/notice";
import { strings } from "../strings";
import { EmailForm } from "./email-form";
import { enterAnew, enterWithPassword, enterWithWallet, leave } from "./sign-in";
import { WalletButton } from "./wallet-button";

const words = strings.login;

/** A page of ours to go on with; nobody is sent anywhere else from here. */
function next(): string {
  const wanted = new URLSearchParams(window.location.search).get("next") ?? "";
  const url = new URL(wanted, window.location.origin);
  return wanted.startsWith("/") && url.origin === window.location.origin ? url.pathname : "/account";
}

const goOn = (): void => window.location.assign(next());

function panel(...children: Child[]): HTMLElement {
  return element("section", { class: "panel login" }, ...children);
}

function waysIn(): HTMLElement {
  const through = <Proof>(enter: (proof: Proof) => Promise<void>) => async (proof: Proof): Promise<void> => {
    await enter(proof);
    goOn();
  };
  const forms = {
    old: new EmailForm(false, through(enterWithPassword)).root,
    fresh: new EmailForm(true, through(enterAnew)).root,
  };
  const choose = (isNew: boolean): void => {
    forms.old.hidden = isNew;
    forms.fresh.hidden = !isNew;
  };
  choose(false);
  return panel(
    element("header", {}, element("h1", {}, words.heading), element("p", { class: "muted" }, words.lead)),
    knownGuest() !== null && element("p", { class: "login-guest" }, icon("info"), element("span", {}, words.guest)),
    new WalletButton(words.wallet, through(enterWithWallet)).root,
    element("p", { class: "hint" }, words.walletHint),
    element("p", { class: "login-or", "aria-hidden": "true" }, element("span", {}, words.or)),
    choice(choose),
    forms.old,
    forms.fresh,
  );
}

/** Radio buttons, since one of both forms is shown. */
function choice(choose: (isNew: boolean) => void): HTMLElement {
  const option = (isNew: boolean, text: string): HTMLElement =>
    element(
      "label",
      {},
      element("input", { type: "radio", name: "way", checked: !isNew, onchange: () => choose(isNew) }),
      text,
    );
  const legend = element("legend", { class: "visually-hidden" }, words.ways);
  return element("fieldset", { class: "login-ways" }, legend, option(false, words.known), option(true, words.anew));
}

function wayOut({ username }: User): HTMLElement {
  const out = element("button", { type: "button", class: "button" }, icon("out"), words.leave);
  out.addEventListener("click", () => {
    out.disabled = true;
    void leave().then(() => window.location.reload());
  });
  return panel(
    element("header", {}, element("h1", {}, words.hello(username)), element("p", { class: "muted" }, words.signedIn)),
    element(
      "div",
      { class: "login-actions" },
      element("a", { class: "button button-primary", href: "/account" }, words.toAccount),
      out,
    ),
  );
}

const user = signedInUser();
replaceWith(required("main"), user === null ? waysIn() : wayOut(user));
void openPage();
