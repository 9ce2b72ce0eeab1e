// What the studio shows to somebody who came without its link.
import { strings } from "../strings";
import { element } from "../shell/element";
import { icon } from "../shell/icons";

const words = strings.studio;

/** `refused` says that a token was tried and is not valid. */
export function signInPanel(refused: boolean, signIn: (pasted: string) => void): HTMLElement {
  const field = element("input", {
    id: "token",
    name: "token",
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    "aria-describedby": refused ? "token-error" : undefined,
    "aria-invalid": refused ? "true" : undefined,
  });
  const form = element(
    "form",
    { class: "form sign-in-form" },
    element("label", { for: "token" }, words.signInOr),
    field,
    refused && element("p", { class: "form-error", id: "token-error", role: "alert" }, words.signInRefused),
    element("button", { class: "button button-primary" }, words.signIn),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    signIn(field.value);
  });
  return element(
    "section",
    { class: "panel sign-in", "data-notice": "sign-in" },
    element("span", { class: "notice-icon" }, icon("key")),
    element("h1", {}, words.signInTitle),
    element("p", { class: "muted" }, words.signInText),
    element("pre", { class: "command" }, element("code", {}, words.signInCommand)),
    form,
    element("a", { href: "/login?next=/studio" }, words.signInOtherwise),
  );
}
