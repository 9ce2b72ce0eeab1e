// What a place on the seek bar shows, over the bar: a little picture and the time.
import { element, setText } from "../shell/element";
import { Storyboard, type Tile } from "./storyboard";

/** The box that a picture is fitted into, in CSS pixels. */
const WIDTH = 176;
const HEIGHT = 132;
/** A place reached by key is shown this long. */
const PEEK_MS = 1500;

export class ScrubPreview {
  /** The slider already says the position to those who cannot see this. */
  readonly root = element("div", { class: "scrub", "aria-hidden": "true", hidden: true });
  private readonly canvas = element("canvas", { class: "scrub-picture", hidden: true });
  private readonly time = element("span", { class: "scrub-time" });
  private storyboard: Storyboard | null = null;
  private second = 0;
  private drawn = "";
  private timer: number | undefined;

  constructor() {
    this.root.append(this.canvas, this.time);
  }

  /** Takes the pictures from this address; null has the time alone. */
  load(url: string | null): void {
    this.storyboard = url === null ? null : new Storyboard(url, () => this.draw());
    this.drawn = "";
    this.canvas.hidden = true;
    this.hide();
  }

  /** Shows `second`, which is called `words`, above the place at `fraction` of the bar. */
  show(second: number, words: string, fraction: number): void {
    window.clearTimeout(this.timer);
    this.second = second;
    setText(this.time, words);
    this.root.hidden = false;
    this.draw();
    this.place(fraction);
  }

  /** Shows it for a moment: nothing holds it there as a pointer does. */
  peek(second: number, words: string, fraction: number): void {
    this.show(second, words, fraction);
    this.timer = window.setTimeout(() => this.hide(), PEEK_MS);
  }

  hide(): void {
    window.clearTimeout(this.timer);
    this.root.hidden = true;
  }

  /** Over its place, but never beyond the bar's ends. */
  private place(fraction: number): void {
    const bar = this.root.parentElement?.clientWidth ?? 0;
    const half = this.root.offsetWidth / 2;
    const x = Math.min(bar - half, Math.max(half, fraction * bar));
    this.root.style.setProperty("--at", `${x}px`);
  }

  private draw(): void {
    if (this.root.hidden) return;
    const tile = this.storyboard?.at(this.second) ?? null;
    const sheet = tile === null ? null : (this.storyboard?.sheetOf(tile) ?? null);
    // Until the right sheet is here the last picture would be a wrong one.
    this.canvas.classList.toggle("scrub-stale", tile !== null && sheet === null);
    if (tile === null || sheet === null) return;
    const { start, x, y, width, height } = tile;
    if (this.drawn === `${tile.sheet} ${start}`) return;
    this.drawn = `${tile.sheet} ${start}`;
    this.fit(tile);
    this.canvas.getContext("2d")?.drawImage(sheet, x, y, width, height, 0, 0, width, height);
  }

  private fit({ width, height }: Tile): void {
    const scale = Math.min(WIDTH / width, HEIGHT / height);
    this.canvas.hidden = false;
    this.canvas.width = width;
    this.canvas.height = height;
    this.canvas.style.setProperty("width", `${Math.round(width * scale)}px`);
    this.canvas.style.setProperty("height", `${Math.round(height * scale)}px`);
  }
}
