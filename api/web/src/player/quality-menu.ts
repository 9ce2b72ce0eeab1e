// The button that chooses a rendition.
import { strings } from "../strings";
import { bitrate } from "../shell/durations";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";
import type { Level } from "./engine";

const AUTOMATIC = -1;

export function levelName(level: Level): string {
  return level.height > 0 ? `${level.height}p` : level.name || bitrate(level.bitrate);
}

export class QualityMenu {
  readonly root: HTMLElement;
  private readonly word = element("span", { class: "quality-now" });
  private readonly list = element("div", { class: "menu", role: "menu", hidden: true });
  private readonly button: HTMLButtonElement;
  private shown = "";

  constructor(private readonly choose: (level: number) => void) {
    this.button = element(
      "button",
      {
        type: "button",
        class: "control",
        "aria-haspopup": "menu",
        "aria-expanded": "false",
        title: strings.player.quality,
        "aria-label": strings.player.quality,
        onclick: () => this.toggle(!this.open),
      },
      icon("settings"),
      this.word,
    );
    this.list.setAttribute("aria-label", strings.player.quality);
    this.root = element("div", { class: "quality", hidden: true }, this.list, this.button);
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.root.addEventListener("focusout", (event) => {
      if (!this.root.contains(event.relatedTarget as Node | null)) this.toggle(false);
    });
  }

  get open(): boolean {
    return !this.list.hidden;
  }

  /** Shows these levels, the best first; `current` is on screen, chosen by us when `automatic`. */
  update(levels: Level[], current: number, automatic: boolean): void {
    this.root.hidden = levels.length === 0;
    const onScreen = levels.find((level) => level.index === current);
    const name = onScreen === undefined ? "" : levelName(onScreen);
    const { auto, autoAt } = strings.player;
    setText(this.word, automatic ? auto : name);
    const chosen = automatic ? AUTOMATIC : current;
    const entries = [...levels].sort((a, b) => b.height - a.height || b.bitrate - a.bitrate);
    const state = JSON.stringify([entries, current, automatic]);
    if (state === this.shown) return;
    this.shown = state;
    this.list.replaceChildren(
      this.entry(AUTOMATIC, name === "" ? auto : autoAt(name), "", chosen),
      ...entries.map((level) => this.entry(level.index, levelName(level), bitrate(level.bitrate), chosen)),
    );
  }

  private entry(level: number, name: string, detail: string, chosen: number): HTMLElement {
    return element(
      "button",
      {
        type: "button",
        class: "menu-entry",
        role: "menuitemradio",
        "aria-checked": String(level === chosen),
        // Otherwise a search for "720p" by name would find this entry as well.
        "aria-label": level === AUTOMATIC ? strings.player.auto : undefined,
        onclick: () => {
          this.choose(level);
          this.toggle(false);
          this.button.focus();
        },
      },
      icon("check"),
      element("span", {}, name),
      element("small", {}, detail),
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
