// A button of the bar that opens a menu of which one entry is chosen.
import { element, setText } from "../shell/element";
import { icon, type IconName } from "../shell/icons";

export interface Choice {
  value: number;
  name: string;
  detail?: string;
  /** What assistive technology calls it, when that is not its name. */
  label?: string;
}

export class ChoiceMenu {
  readonly root: HTMLElement;
  private readonly word = element("span", { class: "choice-now" });
  private readonly list = element("div", { class: "menu", role: "menu", hidden: true });
  private readonly button: HTMLButtonElement;
  private shown = "";

  constructor(
    drawn: IconName,
    label: string,
    private readonly choose: (value: number) => void,
  ) {
    this.button = element(
      "button",
      {
        type: "button",
        class: "control",
        "aria-haspopup": "menu",
        "aria-expanded": "false",
        title: label,
        "aria-label": label,
        onclick: () => this.toggle(!this.open),
      },
      icon(drawn),
      this.word,
    );
    this.list.setAttribute("aria-label", label);
    this.root = element("div", { class: `choice choice-${drawn}`, hidden: true }, this.list, this.button);
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.root.addEventListener("focusout", (event) => {
      if (!this.root.contains(event.relatedTarget as Node | null)) this.toggle(false);
    });
  }

  get open(): boolean {
    return !this.list.hidden;
  }

  /** Shows these entries in this order, with `word` beside the icon; without entries, nothing. */
  update(choices: Choice[], chosen: number, word: string): void {
    this.root.hidden = choices.length === 0;
    setText(this.word, word);
    this.button.dataset["on"] = String(chosen >= 0);
    const state = JSON.stringify([choices, chosen]);
    if (state === this.shown) return;
    this.shown = state;
    this.list.replaceChildren(...choices.map((choice) => this.entry(choice, choice.value === chosen)));
  }

  private entry({ value, name, detail, label }: Choice, chosen: boolean): HTMLElement {
    return element(
      "button",
      {
        type: "button",
        class: "menu-entry",
        role: "menuitemradio",
        "aria-checked": String(chosen),
        "aria-label": label,
        onclick: () => {
          this.choose(value);
          this.toggle(false);
          this.button.focus();
        },
      },
      icon("check"),
      element("span", {}, name),
      element("small", {}, detail ?? ""),
    );
  }

  private toggle(open: boolean): void {
    if (open === this.open) return;
    this.list.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.list.querySelector<HTMLElement>('[aria-checked="true"]')?.focus();
  }

  private onKey(event: KeyboardEvent): void {
    if (!this.open) return;
    const entries = [...this.list.querySelectorAll<HTMLElement>("button")];
    const at = entries.indexOf(document.activeElement as HTMLElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      this.toggle(false);
      this.button.focus();
    } else if (step !== undefined) {
      entries[(at + step + entries.length) % entries.length]?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
