// One source: its state, its health and picture while live, and how to publish to it.
import { strings } from "../strings";
import type { Source } from "../server/types";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";
import { priceLine } from "../watch/price";
import { HealthPanel } from "./health";
import { Preview } from "./preview";
import { PublishPanel } from "./publish";

const words = strings.studio;

export class SourceCard {
  readonly root: HTMLElement;
  private readonly publish: PublishPanel;
  private readonly health = new HealthPanel();
  private readonly preview: Preview;
  private readonly badge = element("span", { class: "badge" });
  private readonly title = element("h3", { class: "source-title" });
  private readonly price = element("span", { class: "source-price" });
  private readonly watch = element("a", { class: "button button-small" }, icon("link"), words.watchPage);
  private readonly live: HTMLElement;
  private readonly how: HTMLDetailsElement;
  private wasLive: boolean | null = null;

  constructor(token: string, source: Source) {
    this.publish = new PublishPanel(token, source);
    this.preview = new Preview(token);
    this.live = element("div", { class: "source-live", hidden: true }, this.preview.root, this.health.root);
    this.how = element(
      "details",
      { class: "how-to" },
      element("summary", {}, words.publish),
      this.publish.root,
    );
    this.root = element(
      "article",
      { class: "panel source", "aria-label": source.name },
      element(
        "header",
        { class: "source-head" },
        element(
          "div",
          { class: "source-names" },
          this.title,
          element("p", { class: "source-line" }, this.badge, element("code", {}, source.name), this.price),
        ),
        this.watch,
      ),
      this.live,
      this.how,
    );
    sourceCards.set(this.root, this);
  }

  /** `open` lets a source that goes live show its picture without being asked. */
  update(source: Source, open: boolean): void {
    const live = source.state === "live";
    this.badge.dataset["state"] = live ? "live" : "waiting";
    setText(this.badge, live ? words.live : words.idle);
    setText(this.title, source.title || source.name);
    setText(this.price, priceLine(source.price));
    this.watch.href = source.watchUrl;
    this.live.hidden = !live;
    this.preview.update(live ? (source.assetId ?? source.name) : null, open);
    if (source.health !== null) this.health.update(source.health);
    if (this.wasLive !== live) this.how.open = !live;
    this.wasLive = live;
  }

  /** Hands over a key that was made with the source. */
  setKey(key: string): void {
    this.publish.setKey(key);
    this.how.open = true;
  }
}

/** The card of an element that `showList` kept. */
export const sourceCards = new WeakMap<HTMLElement, SourceCard>();
