// The last minute of earning as bars, one for each time the ledger was read.
import { formatStroops, parseAmount } from "../shell/amounts";
import { svg } from "../shell/element";

const WINDOW_MS = 60_000;
const BARS = 60;
const HEIGHT = 40;
/** A bar of nothing still shows that time passes. */
const LEAST = 1.5;

interface Sample {
  atMs: number;
  total: bigint;
}

export class Pulse {
  readonly root: SVGSVGElement;
  private samples: Sample[] = [];
  private readonly bars: SVGRectElement[];

  constructor() {
    this.bars = Array.from({ length: BARS }, (_, index) =>
      svg("rect", { class: "pulse-bar", x: index * 4, width: 2.6, y: HEIGHT - LEAST, height: LEAST, rx: 1 }),
    );
    this.root = svg(
      "svg",
      { class: "pulse", viewBox: `0 0 ${BARS * 4} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      ...this.bars,
    );
  }

  /** Notes the total at a moment of any steady clock. Returns what was earned within the last minute. */
  add(total: string, nowMs: number): string {
    const stroops = parseAmount(total) ?? 0n;
    this.samples.push({ atMs: nowMs, total: stroops });
    // One sample from before the window is its starting point.
    while ((this.samples[1]?.atMs ?? nowMs) < nowMs - WINDOW_MS) this.samples.shift();
    this.draw(nowMs);
    return formatStroops(stroops - (this.samples[0]?.total ?? stroops));
  }

  private draw(nowMs: number): void {
    const earned = Array.from({ length: BARS }, () => 0);
    for (let index = 1; index < this.samples.length; index += 1) {
      const sample = this.samples[index];
      const before = this.samples[index - 1];
      if (sample === undefined || before === undefined) continue;
      const bar = BARS - 1 - Math.floor(((nowMs - sample.atMs) / WINDOW_MS) * BARS);
      // Heights are for the eye only; the sums beside them stay whole numbers.
      if (bar >= 0) earned[bar] = (earned[bar] ?? 0) + Number(sample.total - before.total);
    }
    const most = Math.max(1, ...earned);
    this.bars.forEach((bar, index) => {
      const height = Math.max(LEAST, ((earned[index] ?? 0) / most) * HEIGHT);
      bar.setAttribute("height", String(height));
      bar.setAttribute("y", String(HEIGHT - height));
      bar.classList.toggle("lit", (earned[index] ?? 0) > 0);
    });
  }
}
