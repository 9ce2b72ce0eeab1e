// A ring of sixty ticks, one for each second of the minute that is being paid for.
import { svg } from "../shell/element";

const TICKS = 60;
const INNER = 84;
const OUTER = 96;

export class Dial {
  readonly root: SVGSVGElement;
  private readonly ticks: SVGLineElement[];

  constructor() {
    this.ticks = Array.from({ length: TICKS }, (_, index) =>
      svg("line", {
        class: "dial-tick",
        x1: 0,
        x2: 0,
        y1: -INNER,
        y2: -OUTER,
        transform: `rotate(${(index * 360) / TICKS})`,
      }),
    );
    this.root = svg(
      "svg",
      { class: "dial", viewBox: "-100 -100 200 200", "aria-hidden": "true", focusable: "false" },
      ...this.ticks,
    );
  }

  /** Lights the seconds of the current minute; a full minute stays lit until the next second. */
  update(seconds: number): void {
    const lit = seconds === 0 ? 0 : ((seconds - 1) % TICKS) + 1;
    this.ticks.forEach((tick, index) => tick.classList.toggle("lit", index < lit));
  }
}
