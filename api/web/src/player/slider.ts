// A range input whose travelled part is coloured.
import { element } from "../shell/element";

export interface SliderOptions {
  name: string;
  label: string;
  step: number;
  changed: (value: number) => void;
}

export class Slider {
  readonly root: HTMLInputElement;
  /** True while a finger or mouse holds it: the video's own position must not pull it away. */
  private held = false;

  constructor({ name, label, step, changed }: SliderOptions) {
    this.root = element("input", {
      type: "range",
      class: `slider slider-${name}`,
      min: 0,
      max: 1,
      step,
      value: 0,
      "aria-label": label,
      title: label,
    });
    this.root.addEventListener("input", () => {
      this.fill();
      changed(this.root.valueAsNumber);
    });
    this.root.addEventListener("pointerdown", () => (this.held = true));
    for (const end of ["pointerup", "pointercancel", "blur"]) {
      this.root.addEventListener(end, () => (this.held = false));
    }
  }

  update(value: number, max: number, spoken: string): void {
    if (this.held) return;
    this.root.max = String(max);
    this.root.valueAsNumber = value;
    this.root.setAttribute("aria-valuetext", spoken);
    this.fill();
  }

  private fill(): void {
    const max = Number(this.root.max) || 1;
    this.root.style.setProperty("--filled", `${(100 * this.root.valueAsNumber) / max}%`);
  }
}
