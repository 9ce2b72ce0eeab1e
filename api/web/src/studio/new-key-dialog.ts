// Asks how a new stream key is to take over from the old one.
import { element } from "../shell/element";
import { strings } from "../strings";

const words = strings.studio;

/** How long the old key may go on working, the gentlest first. */
const graces = [
  { seconds: 600, label: words.graceMinutes },
  { seconds: 0, label: words.graceNone },
] as const;

/** Seconds for which the old key goes on working; null when no new one is wanted. */
export function askForGrace(): Promise<number | null> {
  const choices = graces.map(({ seconds, label }, index) =>
    element(
      "label",
      { class: "choice" },
      element("input", { type: "radio", name: "grace", value: seconds, checked: index === 0 }),
      element("span", {}, label),
    ),
  );
  const form = element(
    "form",
    { method: "dialog" },
    element("fieldset", { class: "choices" }, element("legend", {}, words.graceLegend), ...choices),
    element(
      "div",
      { class: "dialog-actions" },
      element("button", { class: "button", value: "no" }, strings.common.cancel),
      element("button", { class: "button button-primary", value: "yes" }, words.newKeyConfirm),
    ),
  );
  const dialog = element(
    "dialog",
    { class: "dialog", "aria-labelledby": "dialog-title" },
    element("h2", { id: "dialog-title" }, words.newKeyTitle),
    element("p", {}, words.newKeyText),
    form,
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      const chosen = new FormData(form).get("grace");
      resolve(dialog.returnValue === "yes" ? Number(chosen) : null);
    });
  });
}
