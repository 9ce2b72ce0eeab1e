// One source: its state, its publisher and picture while live, how to publish to it, and its settings.
import { strings } from "../strings";
import type { Source } from "../server/types";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";
import { priceLine } from "../watch/price";
import { HealthPanel } from "./health";
import { KeysPanel } from "./keys-panel";
import { Preview } from "./preview";
import { PublishPanel } from "./publish";
import { PublishersPanel } from "./publishers-panel";
import { SourceSettingsPanel } from "./source-settings";

const words = strings.studio;

export class SourceCard {
  readonly root: HTMLElement;
  private readonly publish: PublishPanel;
  private readonly publishers = new PublishersPanel();
  private readonly health = new HealthPanel();
  private readonly settings: SourceSettingsPanel;
  private readonly keys: KeysPanel;
  private readonly preview: Preview;
  private readonly badge = element("span", { class: "badge" });
  private readonly title = element("h3", { class: "source-title" });
  private readonly price = element("span", { class: "source-price" });
  private readonly watch = element("a", { class: "button button-small" }, icon("link"), words.watchPage);
  private readonly waiting = element(
    "p",
    { class: "reconnecting", role: "status", hidden: true },
    icon("clock"),
    element("span", {}, words.reconnectingText),
  );
  private readonly live: HTMLElement;
  private readonly how: HTMLDetailsElement;
  private wasLive: boolean | null = null;

  constructor(token: string, source: Source) {
    this.settings = new SourceSettingsPanel(token, source);
    this.keys = new KeysPanel(token, source.id);
    const settings = this.settingsSection();
    this.publish = new PublishPanel(token, source, () => settings.open && void this.keys.refresh());
    this.preview = new Preview(token);
    this.live = element(
      "div",
      { class: "source-live", hidden: true },
      this.preview.root,
      this.waiting,
      this.publishers.root,
      this.health.root,
    );
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
      settings,
    );
    sourceCards.set(this.root, this);
  }

  /** `open` lets a source that goes live show its picture without being asked. */
  update(source: Source, open: boolean): void {
    const { state, reconnectMsLeft } = source;
    const live = state !== "idle";
    this.badge.dataset["state"] = state === "idle" ? "waiting" : state;
    setText(this.badge, stateWords(source));
    setText(this.title, source.title || source.name);
    setText(this.price, priceLine(source.price));
    this.watch.href = source.watchUrl;
    this.live.hidden = !live;
    this.waiting.hidden = reconnectMsLeft === null;
    this.publishers.update(source.publishers);
    this.settings.update(source);
    this.preview.update(live ? (source.assetId ?? source.name) : null, open);
    if (source.health !== null) this.health.update(source.health);
    if (this.wasLive !== live) this.how.open = !live;
    this.wasLive = live;
  }

  private settingsSection(): HTMLDetailsElement {
    const section = element(
      "details",
      { class: "how-to" },
      element("summary", {}, words.settings.heading),
      element(
        "div",
        { class: "settings-columns" },
        this.settings.root,
        element("div", {}, element("h4", { class: "eyebrow" }, words.keys.heading), this.keys.root),
      ),
    );
    section.addEventListener("toggle", () => section.open && void this.keys.refresh());
    return section;
  }

  /** Hands over a key that was made with the source. */
  setKey(key: string): void {
    this.publish.setKey(key);
    this.how.open = true;
  }
}

function stateWords({ state, reconnectMsLeft }: Source): string {
  if (state === "idle") return words.idle;
  if (state === "live" || reconnectMsLeft === null) return words.live;
  return words.reconnecting(Math.ceil(reconnectMsLeft / 1000));
}

/** The card of an element that `showList` kept. */
export const sourceCards = new WeakMap<HTMLElement, SourceCard>();
