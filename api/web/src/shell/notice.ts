// A panel that says what state the page is in, and what can be done about it.
import { element, type Child } from "./element";
import { icon, type IconName } from "./icons";

export interface Action {
  label: string;
  run: () => void;
  primary?: boolean;
}

export interface Notice {
  name: string;
  icon: IconName;
  title: string;
  text: string;
  actions?: Action[];
  busy?: boolean;
}

/** `name` is put on the element as `data-notice`, for styles and tests. */
export function notice({ name, icon: drawn, title, text, actions = [], busy = false }: Notice): HTMLElement {
  return element(
    "div",
    { class: "notice", "data-notice": name, role: "status" },
    element("span", { class: busy ? "notice-icon notice-busy" : "notice-icon" }, icon(drawn)),
    element("h2", { class: "notice-title" }, title),
    element("p", { class: "notice-text" }, text),
    actions.length > 0 && element("div", { class: "notice-actions" }, ...actions.map(actionButton)),
  );
}

function actionButton({ label, run, primary = false }: Action): HTMLButtonElement {
  return element(
    "button",
    { type: "button", class: primary ? "button button-primary" : "button", onclick: run },
    label,
  );
}

/** Puts one panel where another was. */
export function replaceWith(place: HTMLElement, ...panels: Child[]): void {
  place.replaceChildren(...panels.filter((panel) => panel instanceof Node || typeof panel === "string"));
}
