// Who may come into an account, and as what: wallets, sessions and API keys, below the money.
import "../styles/access.css";
import { SIGNED_IN } from "../server/signed-in";
import { element } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";
import { ApiKeysPanel } from "./api-keys-panel";
import { SignInsPanel } from "./sign-ins-panel";
import { WalletsPanel } from "./wallets-panel";

const words = strings.login;

/** `isGuest`: of somebody who has a token and nothing else, which is lost with this browser. */
export function accessSection(token: string, isGuest: boolean): HTMLElement {
  if (isGuest) return guestPanel();
  const sides = [
    ...(token === SIGNED_IN ? [new WalletsPanel(token), new SignInsPanel(token)] : []),
    new ApiKeysPanel(token),
  ];
  for (const side of sides) side.open();
  return element(
    "section",
    { class: "access", "aria-label": words.access },
    ...sides.map(({ root }) => root),
  );
}

function guestPanel(): HTMLElement {
  return element(
    "section",
    { class: "panel access-guest", "data-notice": "guest" },
    icon("info"),
    element("p", {}, words.keepText),
    element("a", { class: "button", href: "/login" }, words.keep),
  );
}
