// A button that puts a text on the clipboard and says so.
import { strings } from "../strings";
import { element, setText } from "./element";
import { icon, setIcon } from "./icons";

/** How long the button says that it has copied. */
const SAID_MS = 2000;

/** `text` is asked for at the click, so that it may change; `what` names it to a screen reader. */
export function copyButton(what: string, text: () => string): HTMLButtonElement {
  const drawn = icon("copy");
  const word = element("span", { "aria-live": "polite" }, strings.common.copy);
  let timer: number | undefined;
  const button = element(
    "button",
    { type: "button", class: "button button-small", "aria-label": strings.common.copyWhat(what) },
    drawn,
    word,
  );
  button.addEventListener("click", async () => {
    await copyText(text());
    setIcon(drawn, "check");
    setText(word, strings.common.copied);
    window.clearTimeout(timer);
    timer = window.setTimeout(() => {
      setIcon(drawn, "copy");
      setText(word, strings.common.copy);
    }, SAID_MS);
  });
  return button;
}

/** Puts a text on the clipboard. */
export async function copyText(text: string): Promise<void> {
  // The clipboard API exists only on https and localhost; a studio in a home network has neither.
  if (window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = element("textarea", { class: "visually-hidden", readonly: true });
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
