// Tabs after the ARIA authoring practices: arrows move, the chosen tab alone is in the tab order.
import { element } from "../shell/element";

export interface Tab {
  name: string;
  label: string;
  panel: HTMLElement;
}

export function tabs(id: string, label: string, entries: Tab[]): HTMLElement {
  const buttons = entries.map(({ name, label: word }) =>
    element(
      "button",
      { type: "button", role: "tab", class: "tab", id: `${id}-tab-${name}`, "aria-controls": `${id}-panel-${name}` },
      word,
    ),
  );
  const select = (chosen: number): void =>
    entries.forEach(({ panel }, index) => {
      buttons[index]?.setAttribute("aria-selected", String(index === chosen));
      buttons[index]?.setAttribute("tabindex", index === chosen ? "0" : "-1");
      panel.hidden = index !== chosen;
    });
  const list = element("div", { role: "tablist", class: "tabs", "aria-label": label }, ...buttons);
  entries.forEach(({ name, panel }, index) => {
    panel.id = `${id}-panel-${name}`;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", `${id}-tab-${name}`);
    buttons[index]?.addEventListener("click", () => select(index));
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const next = (at + step + buttons.length) % buttons.length;
    select(next);
    buttons[next]?.focus();
  });
  select(0);
  return element("div", {}, list, ...entries.map(({ panel }) => panel));
}
