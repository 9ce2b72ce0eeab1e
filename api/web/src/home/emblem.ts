// The mark, large: a minute whose seconds light up one by one, around a play button.
import { svg } from "../shell/element";

const TICKS = 60;

export function emblem(): SVGSVGElement {
  const sweep = svg("g", { class: "emblem-sweep" });
  const ring = (name: string, inner: number, outer: number, count: number): SVGElement[] =>
    Array.from({ length: count }, (_, index) =>
      svg("line", {
        class: name,
        x1: 0,
        x2: 0,
        y1: -inner,
        y2: -outer,
        transform: `rotate(${(index * 360) / TICKS})`,
      }),
    );
  sweep.append(...ring("emblem-tick lit", 76, 92, 38));
  return svg(
    "svg",
    { class: "emblem", viewBox: "-100 -100 200 200", "aria-hidden": "true", focusable: "false" },
    ...ring("emblem-tick", 76, 92, TICKS),
    sweep,
    svg("circle", { class: "emblem-disc", r: 52 }),
    svg("path", { class: "emblem-play", d: "M-14 -23v46a3 3 0 0 0 4.6 2.5l36 -23a3 3 0 0 0 0 -5l-36 -23a3 3 0 0 0 -4.6 2.5z" }),
  );
}
