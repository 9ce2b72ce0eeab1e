// A bar that fills, for eyes and for screen readers.
import { element } from "../shell/element";

export class Bar {
  readonly root: HTMLElement;

  constructor(label: string) {
    this.root = element("div", {
      class: "bar",
      role: "progressbar",
      "aria-label": label,
      "aria-valuemin": 0,
      "aria-valuemax": 100,
    });
  }

  /** `fraction` is from 0 to 1; the words are what a screen reader says of it. */
  update(fraction: number, words: string): void {
    const percent = Math.round(100 * Math.min(1, Math.max(0, fraction)));
    this.root.style.setProperty("--done", `${percent}%`);
    this.root.setAttribute("aria-valuenow", String(percent));
    this.root.setAttribute("aria-valuetext", words);
  }
}
