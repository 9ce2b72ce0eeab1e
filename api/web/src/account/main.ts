// The account page: what this browser's accounts have, watch and have paid.
import { openPage } from "../shell/page";
import "../styles/account.css";
import { element, required } from "../shell/element";
import { notice, replaceWith } from "../shell/notice";
import { strings } from "../strings";
import { AccountView } from "./account-view";
import { identities, type Identity } from "./identities";

const words = strings.account;

const place = element("div");
let shown: AccountView | null = null;

function show(identity: Identity): void {
  shown?.close();
  shown = new AccountView(identity);
  replaceWith(place, shown.root);
  shown.open();
}

/** Radio buttons, since one of both is shown. */
function choice(known: readonly Identity[]): HTMLElement {
  const options = known.map((identity, index) =>
    element(
      "label",
      {},
      element("input", { type: "radio", name: "account", checked: index === 0, onchange: () => show(identity) }),
      identity.label,
    ),
  );
  return element("fieldset", { class: "account-choice" }, element("legend", { class: "visually-hidden" }, words.views), ...options);
}

function none(): HTMLElement {
  const panel = notice({ name: "none", icon: "wallet", title: words.noneTitle, text: words.noneText });
  panel.append(element("a", { class: "button button-primary", href: "/" }, words.noneAction));
  return panel;
}

const known = identities();
const [first] = known;
required("main").append(
  element(
    "div",
    { class: "account" },
    element(
      "header",
      { class: "account-head" },
      element("div", {}, element("h1", {}, words.heading), element("p", { class: "muted" }, words.lead)),
      known.length > 1 && choice(known),
    ),
    place,
  ),
);
void openPage();
if (first === undefined) replaceWith(place, none());
else show(first);
