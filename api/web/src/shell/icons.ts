// The icons, drawn on a 24 by 24 grid with strokes of the text's colour.
import { svg } from "./element";

const paths = {
  play: "M7 4.5v15l12-7.5z",
  pause: "M8 5v14M16 5v14",
  volume: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a7.5 7.5 0 0 1 0 11",
  muted: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5",
  settings:
    "M4 7h9M17 7h3M4 17h3M11 17h9M15 7m-2 0a2 2 0 1 0 4 0a2 2 0 1 0 -4 0M9 17m-2 0a2 2 0 1 0 4 0a2 2 0 1 0 -4 0",
  fullscreen: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  shrink: "M9 4v5H4M20 9h-5V4M15 20v-5h5M4 15h5v5",
  picture: "M4 5h16v14H4zM12 12h5.5v4.5H12z",
  stop: "M6.5 6.5h11v11h-11z",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 12m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0",
  eyeOff: "M4 4l16 16M9.5 5.8A9 9 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a17 17 0 0 1-3 3.7M6.2 7.6A16 16 0 0 0 2.5 12S6 18.5 12 18.5c1.5 0 2.9-.4 4.1-1",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M4.5 12.5l5 5 10-11",
  key: "M8 15m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0M11 12l8-8M16 7l3 3",
  plus: "M12 5v14M5 12h14",
  alert: "M12 4l9 16H3zM12 10v4M12 17v.5",
  clock: "M12 12m-8.5 0a8.5 8.5 0 1 0 17 0a8.5 8.5 0 1 0 -17 0M12 7v5l3.5 2",
  coin: "M12 12m-8.5 0a8.5 8.5 0 1 0 17 0a8.5 8.5 0 1 0 -17 0M15 9.2c-.6-1-1.7-1.4-3-1.4-1.7 0-3 .8-3 2.1 0 3 6 1.3 6 4.3 0 1.2-1.3 2-3 2-1.4 0-2.5-.5-3.1-1.5M12 6v1.8M12 16.2V18",
  wallet: "M4 7.5V18h16V8H6a2 2 0 0 1 0-4h12v4M16 13v.5",
  signal: "M12 12m-1.5 0a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0 -3 0M8 16a5.6 5.6 0 0 1 0-8M16 8a5.6 5.6 0 0 1 0 8M5 19a9.9 9.9 0 0 1 0-14M19 5a9.9 9.9 0 0 1 0 14",
  out: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  sound: "M9 18V6l10-2v12M9 18m-3 0a3 3 0 1 0 6 0M19 16m-3 0a3 3 0 1 0 6 0M6 18a3 3 0 0 1 3-3M16 16a3 3 0 0 1 3-3",
  captions: "M3.5 5.5h17v13h-17zM10.5 10.3a2.2 2.2 0 1 0 0 3.4M17 10.3a2.2 2.2 0 1 0 0 3.4",
  scissors: "M6 7m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0M6 17m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0M8 8.5L20 17M8 15.5L20 7",
  film: "M4 5h16v14H4zM8.5 5v14M15.5 5v14M4 9.7h4.5M4 14.3h4.5M15.5 9.7H20M15.5 14.3H20",
  upload: "M12 16V4.5M7 9.5l5-5 5 5M4.5 15.5v4h15v-4",
  trash: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 12.5h9l1-12.5M10.3 10.5l.4 6M13.7 10.5l-.4 6",
  close: "M6 6l12 12M18 6L6 18",
  folder: "M3.5 6h6l2 2.5h9V19h-17z",
  queue: "M4 6h10M4 11h10M4 16h6M18 9v8M14.8 14l3.2 3.2 3.2-3.2",
  link: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  info: "M12 12m-8.5 0a8.5 8.5 0 1 0 17 0a8.5 8.5 0 1 0 -17 0M12 11v5.5M12 7.5v.5",
  bulb: "M9 16.5a6 6 0 1 1 6 0V18H9zM10 21h4",
  download: "M12 4.5V16M7 11l5 5 5-5M4.5 19.5h15",
  search: "M11 11m-6.5 0a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0 -13 0M16 16l4.5 4.5",
} as const;

export type IconName = keyof typeof paths;

const solid: ReadonlySet<IconName> = new Set<IconName>(["play", "stop"]);

/** Decoration only: whoever uses an icon alone gives its button a label. */
export function icon(name: IconName): SVGSVGElement {
  const shape = solid.has(name) ? "icon icon-solid" : "icon";
  return svg(
    "svg",
    { class: shape, viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: paths[name] }),
  );
}

/** Changes what an icon shows, in place. */
export function setIcon(drawn: SVGSVGElement, name: IconName): void {
  const path = drawn.firstElementChild;
  if (path?.getAttribute("d") === paths[name]) return;
  path?.setAttribute("d", paths[name]);
  drawn.classList.toggle("icon-solid", solid.has(name));
}
