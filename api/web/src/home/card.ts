// One thing to watch, as a card: its picture, state and price.
import { strings } from "../strings";
import type { Content } from "../server/types";
import { isZero } from "../shell/amounts";
import { pathOf } from "../shell/address";
import { setStateBadge, shownState, stateBadge } from "../shell/badge";
import { clock } from "../shell/durations";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";
import { Picture } from "../shell/picture";
import { codeOf } from "../shell/asset";
import { priceLine } from "../watch/price";

const words = strings.common;

export class ContentCard {
  readonly root: HTMLElement;
  private live = false;
  private readonly picture: Picture;
  private readonly badge = stateBadge("waiting");
  private readonly viewers = element("span");
  private readonly viewersChip = element("span", { class: "chip" }, icon("eye"), this.viewers);
  private readonly duration = element("span", { class: "chip chip-end" });
  private readonly link = element("a", { class: "card-link" });
  private readonly creator = element("p", { class: "card-creator" });
  private readonly hour = element("strong", { class: "card-hour" });
  private readonly second = element("span", { class: "card-second" });

  constructor(content: Content) {
    this.picture = new Picture(content.id);
    this.root = element(
      "li",
      { class: "card" },
      element("div", { class: "card-picture" }, this.picture.root, this.badge, this.viewersChip, this.duration),
      element(
        "div",
        { class: "card-body" },
        element("h3", { class: "card-title" }, this.link),
        this.creator,
        element("p", { class: "card-price" }, this.hour, this.second),
      ),
    );
    cards.set(this.root, this);
  }

  update(content: Content): void {
    const { id, title, state, creator, price, durationSeconds, watchUrl, viewers } = content;
    this.live = state === "live";
    this.picture.update(content.posterUrl);
    setStateBadge(this.badge, shownState(content));
    setText(this.viewers, String(viewers));
    this.viewersChip.title = words.viewers(viewers);
    this.viewersChip.hidden = !this.live && viewers === 0;
    this.duration.hidden = !durationSeconds || this.live;
    setText(this.duration, clock(durationSeconds ?? 0));
    setText(this.link, title || id);
    this.link.href = pathOf(watchUrl) ?? `/watch/${encodeURIComponent(id)}`;
    setText(this.creator, words.by(creator));
    setText(this.hour, priceLine(price));
    setText(this.second, isZero(price.perHour) ? "" : words.perSecond(price.perSecond, codeOf(price.asset)));
  }

  /** Shows a live's picture of now, when there is somebody to see it. */
  async renewPicture(): Promise<void> {
    const { top, bottom } = this.root.getBoundingClientRect();
    if (this.live && bottom > 0 && top < window.innerHeight) await this.picture.renew(Date.now());
  }
}

/** The card of an element that `showList` kept. */
export const cards = new WeakMap<HTMLElement, ContentCard>();
