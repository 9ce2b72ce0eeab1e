// The picture of one thing to watch: its poster, over drawn art for as long as there is none.
import { pathOf } from "./address";
import { art } from "./art";
import { element } from "./element";

/** Narrower pictures than this, width by height, are shown whole; wider ones fill the frame. */
const WHOLE_BELOW = 1.2;

export class Picture {
  readonly root: HTMLElement;
  private path: string | null = null;
  private shown: HTMLElement[] = [];

  /** `shaped` is told the picture's width by height, each time that one is shown. */
  constructor(
    id: string,
    private readonly shaped: (ratio: number) => void = () => undefined,
  ) {
    this.root = element("div", { class: "picture", "aria-hidden": "true" }, art(id));
  }

  /** Shows the poster at `url`; null goes back to the art. The same address is fetched once. */
  update(url: string | null): void {
    const path = url === null ? null : pathOf(url);
    if (path === this.path) return;
    this.path = path;
    if (path === null) this.place([]);
    else void this.fetch(path, path);
  }

  /** Fetches the same address anew: a live's poster is a picture of now. */
  async renew(nowMs: number): Promise<void> {
    const { path } = this;
    if (path === null) return;
    await this.fetch(path, `${path}${path.includes("?") ? "&" : "?"}at=${nowMs}`);
  }

  /** Puts the new picture up only when it is all there, so that nothing flickers. */
  private async fetch(path: string, address: string): Promise<void> {
    const front = image(address, "picture-front");
    try {
      await front.decode();
    } catch {
      // A poster that cannot be had leaves what was there before: an older one, or the art.
      return;
    }
    if (path !== this.path) return;
    const ratio = front.naturalWidth / Math.max(1, front.naturalHeight);
    const whole = ratio < WHOLE_BELOW;
    front.classList.toggle("picture-whole", whole);
    this.place(whole ? [image(address, "picture-back"), front] : [front]);
    this.shaped(ratio);
  }

  private place(images: HTMLElement[]): void {
    this.root.append(...images);
    for (const old of this.shown) old.remove();
    this.shown = images;
  }
}

function image(address: string, name: string): HTMLImageElement {
  return element("img", { class: name, src: address, alt: "", decoding: "async", draggable: "false" });
}
