// The studio of one creator: keeps sources and earnings up to date.
import type { Earnings, Source } from "../server/types";
import { element, setText, showList } from "../shell/element";
import { icon } from "../shell/icons";
import { notice, replaceWith } from "../shell/notice";
import { strings } from "../strings";
import { UploadsSection } from "../uploads/uploads-section";
import { openCreateForm } from "./create-form";
import { earningsFeed } from "./earnings-feed";
import { EarningsPanel } from "./earnings-panel";
import type { EventFeed } from "../server/event-feed";
import { SourceCard, sourceCards } from "./source-card";
import { sourcesFeed } from "./sources-feed";

const ASSET_AT_FIRST = "XLM";

const words = strings.studio;

export class StudioPage {
  readonly root: HTMLElement;
  private asset = ASSET_AT_FIRST;
  private closed = false;
  /** Made here and not yet in the server's list: an answer that was under way must not remove its card. */
  private readonly made = new Map<string, Source>();
  private readonly earnings: EarningsPanel;
  private readonly list = element("div", { class: "sources-list" });
  private readonly message = element("div");
  private readonly said = element("p", { class: "said", role: "status", hidden: true });
  private readonly sourcesFeed: EventFeed<{ items: Source[] }>;
  private readonly feed: EventFeed<Earnings>;
  private readonly uploads: UploadsSection;

  /** `leave` is told whether the token was refused, or given up by its owner. */
  constructor(
    private readonly token: string,
    playMoney: boolean,
    private readonly leave: (refused: boolean) => void,
  ) {
    this.earnings = new EarningsPanel(playMoney);
    this.uploads = new UploadsSection(token, () => this.asset, () => this.refused());
    this.sourcesFeed = sourcesFeed(token, {
      changed: ({ items }) => this.show(items),
      stateChanged: (state) => state === "lost" && this.showUnreachable(),
      refused: () => this.refused(),
    });
    this.feed = earningsFeed(token, {
      changed: (earnings) => {
        this.asset = earnings.asset;
        this.earnings.update(earnings, performance.now());
      },
      stateChanged: (state) => this.earnings.showState(state),
      refused: () => this.refused(),
    });
    this.root = element(
      "div",
      { class: "studio" },
      element(
        "header",
        { class: "studio-head" },
        element("div", {}, element("h1", {}, words.heading), element("p", { class: "muted" }, words.lead)),
        element(
          "div",
          { class: "studio-actions" },
          element(
            "button",
            { type: "button", class: "button button-small", onclick: () => this.uploads.choose() },
            icon("upload"),
            strings.uploads.upload,
          ),
          element(
            "button",
            { type: "button", class: "button button-small", onclick: () => this.leave(false) },
            icon("out"),
            words.signOut,
          ),
        ),
      ),
      element(
        "div",
        { class: "studio-columns" },
        element("div", { class: "studio-work" }, this.sources(), this.uploads.root),
        this.earnings.root,
      ),
    );
    replaceWith(this.message, notice({ name: "loading", icon: "signal", title: words.loading, text: "", busy: true }));
  }

  open(): void {
    void this.sourcesFeed.run();
    void this.feed.run();
    this.uploads.open();
  }

  close(): void {
    this.closed = true;
    this.sourcesFeed.stop();
    this.feed.stop();
    this.uploads.close();
  }

  private sources(): HTMLElement {
    return element(
      "section",
      { class: "sources", "aria-labelledby": "sources-heading" },
      element(
        "header",
        { class: "sources-head" },
        element("h2", { id: "sources-heading" }, words.sources),
        element(
          "button",
          { type: "button", class: "button button-primary", id: "new-source", onclick: () => this.create() },
          icon("plus"),
          words.newSource,
        ),
      ),
      this.said,
      this.message,
      this.list,
    );
  }

  private refused(): void {
    if (!this.closed) this.leave(true);
  }

  private showUnreachable(): void {
    const { unreachable, unreachableText } = strings.common;
    replaceWith(
      this.message,
      notice({ name: "unreachable", icon: "alert", title: unreachable, text: unreachableText }),
    );
  }

  private show(listed: readonly Source[]): void {
    for (const { id } of listed) this.made.delete(id);
    const sources = [...listed, ...this.made.values()];
    const { sourcesNone, sourcesNoneText } = words;
    if (sources.length > 0) replaceWith(this.message);
    else if (this.message.querySelector("[data-notice=empty]") === null) {
      replaceWith(
        this.message,
        notice({ name: "empty", icon: "signal", title: sourcesNone, text: sourcesNoneText }),
      );
    }
    // Decoding every source's picture would take power from the encoder that may run beside it.
    const first = sources.find((source) => source.state === "live");
    showList(
      this.list,
      sources,
      (source) => source.id,
      (source) => new SourceCard(this.token, source).root,
      (made, source) => sourceCards.get(made)?.update(source, source === first),
    );
  }

  private create(): void {
    openCreateForm(this.token, this.asset, (source, streamKey) => {
      const card = this.cardOf(source);
      card.setKey(streamKey);
      this.said.hidden = false;
      setText(this.said, words.created(source.name));
      card.root.scrollIntoView({ block: "nearest" });
    });
  }

  /** The card of a source that was just made; the server's events may have brought it before its answer. */
  private cardOf(source: Source): SourceCard {
    const there = this.list.querySelector<HTMLElement>(`[data-key="${CSS.escape(source.id)}"]`);
    const shown = there === null ? undefined : sourceCards.get(there);
    if (shown !== undefined) return shown;
    const card = new SourceCard(this.token, source);
    card.update(source, false);
    card.root.dataset["key"] = source.id;
    this.made.set(source.id, source);
    replaceWith(this.message);
    this.list.append(card.root);
    return card;
  }
}
