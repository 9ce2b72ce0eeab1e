// A range input whose travelled part is coloured.
import { element } from "../shell/element";

export interface SliderOptions {
  name: string;
  label: string;
  step: number;
  /** Somebody chose this value. */
  changed: (value: number) => void;
  /** Told of each value on the way, while `changed` waits until the slider is let go. */
  dragged?: (value: number) => void;
}

/** The width of the thumb in style sheets: at both ends its middle stays half of that inside. */
const THUMB_PX = 14;

export class Slider {
  readonly root: HTMLInputElement;
  /** True while a finger or mouse holds it: the video's own position must not pull it away. */
  private held = false;
  private pending: number | null = null;

  constructor(private readonly options: SliderOptions) {
    const { name, label, step } = options;
    this.root = element("input", {
      type: "range",
      class: `slider slider-${name}`,
      min: 0,
      max: 1,
      step,
      value: 0,
      "aria-label": label,
      title: options.dragged === undefined ? label : undefined,
    });
    this.root.addEventListener("input", () => this.noteInput(this.root.valueAsNumber));
    this.root.addEventListener("change", () => this.settle());
    this.root.addEventListener("pointerdown", () => (this.held = true));
    for (const end of ["pointerup", "pointercancel", "blur"]) {
      this.root.addEventListener(end, () => (this.held = false));
    }
    this.root.addEventListener("pointercancel", () => (this.pending = null));
  }

  update(value: number, max: number, spoken: string): void {
    if (this.held || this.pending !== null) return;
    this.root.max = String(max);
    this.root.valueAsNumber = value;
    this.root.setAttribute("aria-valuetext", spoken);
    this.fill();
  }

  get max(): number {
    return Number(this.root.max) || 1;
  }

  /** The value under a pointer at this place of the window. */
  valueAt(clientX: number): number {
    const { left, width } = this.root.getBoundingClientRect();
    const travelled = (clientX - left - THUMB_PX / 2) / Math.max(1, width - THUMB_PX);
    return Math.min(1, Math.max(0, travelled)) * this.max;
  }

  /** Where the thumb's middle is for a value, as a part of the width. */
  fractionOf(value: number): number {
    const width = Math.max(1, this.root.clientWidth);
    return ((value / this.max) * (width - THUMB_PX) + THUMB_PX / 2) / width;
  }

  private noteInput(value: number): void {
    const { changed, dragged } = this.options;
    this.fill();
    if (!this.held || dragged === undefined) return changed(value);
    this.pending = value;
    dragged(value);
  }

  private settle(): void {
    const value = this.pending;
    this.pending = null;
    if (value !== null) this.options.changed(value);
  }

  private fill(): void {
    this.root.style.setProperty("--filled", `${(100 * this.root.valueAsNumber) / this.max}%`);
  }
}
