// Asks before something that cannot be taken back.
import { strings } from "../strings";
import { element } from "./element";

export interface Question {
  title: string;
  text: string;
  confirm: string;
  /** For when "Cancel" could mean either. */
  keep?: string;
}

/** Resolves to true when the person confirmed; closing the dialog in any other way means no. */
export function confirmed({ title, text, confirm, keep = strings.common.cancel }: Question): Promise<boolean> {
  const dialog = element(
    "dialog",
    { class: "dialog", "aria-labelledby": "dialog-title" },
    element("h2", { id: "dialog-title" }, title),
    element("p", {}, text),
    element(
      "form",
      { method: "dialog", class: "dialog-actions" },
      element("button", { class: "button", value: "no" }, keep),
      element("button", { class: "button button-danger", value: "yes" }, confirm),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
