// A picture for content that has none: rings of ticks in colours that its id decides.
import { svg } from "./element";

const WIDTH = 320;
const HEIGHT = 180;
const RINGS = 5;

/** The same id gives the same picture, on every page. */
export function art(id: string): SVGSVGElement {
  const seed = hash(id);
  const hue = seed % 360;
  const gradient = `art-${seed.toString(36)}-${nextArt++}`;
  const x = WIDTH * (0.2 + ((seed >>> 9) % 60) / 100);
  const y = HEIGHT * (0.3 + ((seed >>> 15) % 60) / 100);
  return svg(
    "svg",
    {
      class: "art",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "xMidYMid slice",
      "aria-hidden": "true",
      focusable: "false",
    },
    svg(
      "linearGradient",
      { id: gradient, x1: 0, y1: 0, x2: 1, y2: 1 },
      svg("stop", { offset: 0, "stop-color": `hsl(${hue} 62% 30%)` }),
      svg("stop", { offset: 1, "stop-color": `hsl(${(hue + 50) % 360} 70% 13%)` }),
    ),
    svg("rect", { width: WIDTH, height: HEIGHT, fill: `url(#${gradient})` }),
    ...Array.from({ length: RINGS }, (_, ring) => ringOfTicks(ring, x, y, hue, seed)),
  );
}

/** Gradients are found by id within the whole page, so each drawing needs its own. */
let nextArt = 0;

function ringOfTicks(ring: number, x: number, y: number, hue: number, seed: number): SVGCircleElement {
  const radius = 26 + ring * 30;
  const step = (2 * Math.PI * radius) / (20 + ring * 8);
  return svg("circle", {
    cx: x,
    cy: y,
    r: radius,
    fill: "none",
    stroke: `hsl(${(hue + 25 + ring * 14) % 360} 85% ${72 - ring * 6}%)`,
    "stroke-opacity": 0.75 - ring * 0.12,
    "stroke-width": 9 - ring,
    "stroke-dasharray": `2.5 ${step - 2.5}`,
    "stroke-dashoffset": (seed >>> ring) % 40,
  });
}

/** FNV-1a, 32 bits: any spread-out number will do. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}
