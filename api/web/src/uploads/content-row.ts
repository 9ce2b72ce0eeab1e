// One upload that the server has: its picture, how far it is on its way to viewers, what can be done.
import { pathOf } from "../shell/address";
import { clock, moment } from "../shell/durations";
import { element, setText } from "../shell/element";
import { icon, type IconName } from "../shell/icons";
import { Picture } from "../shell/picture";
import type { Content, RenditionStatus } from "../server/types";
import { strings } from "../strings";
import { priceLine } from "../watch/price";
import { adviceOf, renditionWords, sentenceOf, stageOf, type Stage } from "./progress";

const words = strings.uploads;

/** Stages in which nothing more is done to the file. */
const over: ReadonlySet<Stage> = new Set<Stage>(["ready", "failed", "cancelled"]);

/** What a person can ask for, of what a row shows. */
export interface ContentTools {
  remove(content: Content): void;
  clip(content: Content): void;
  captions(content: Content): void;
  price(content: Content): void;
  download(content: Content): void;
}

export class ContentRow {
  readonly root: HTMLElement;
  private readonly picture: Picture;
  private readonly duration = element("span", { class: "chip chip-end" });
  private readonly title = element("h3", { class: "upload-title", tabindex: -1 });
  private readonly badge = element("span", { class: "tag" });
  private readonly line = element("span");
  private readonly sentence = element("p", { class: "upload-sentence" });
  private readonly advice = element("p", { class: "hint" });
  private readonly code = element("p", { class: "hint upload-code" });
  private readonly rungs = element("ul", { class: "rungs", "aria-label": words.renditions });
  private readonly watch = element("a", { class: "button button-small button-primary" }, icon("play"), words.watch);
  private readonly removeWord = element("span");
  private readonly remove: HTMLButtonElement;
  private readonly more: HTMLDetailsElement;
  /** What can only be done with what is made. */
  private readonly ofReady: readonly HTMLElement[];
  private content: Content;
  private shown = "";

  constructor(content: Content, tools: ContentTools) {
    this.content = content;
    this.picture = new Picture(content.id);
    this.remove = element(
      "button",
      { type: "button", class: "button button-small", onclick: () => tools.remove(this.content) },
      icon("trash"),
      this.removeWord,
    );
    const { clip, captions, download, price } = tools;
    this.ofReady = [
      this.action("scissors", words.makeClip, clip),
      this.action("captions", words.editCaptions, captions),
      this.action("download", words.download, download),
    ];
    this.more = element(
      "details",
      { class: "upload-more" },
      element("summary", { class: "button button-small" }, words.more),
      this.action("coin", words.editPrice, price),
      ...this.ofReady,
    );
    this.root = element(
      "li",
      { class: "upload" },
      element("div", { class: "upload-picture" }, this.picture.root, this.duration),
      element(
        "div",
        { class: "upload-body" },
        this.title,
        element("p", { class: "upload-line" }, this.badge, this.line),
        this.sentence,
        this.advice,
        this.code,
        this.rungs,
      ),
      element("div", { class: "upload-actions" }, this.watch, this.more, this.remove),
    );
    contentRows.set(this.root, this);
  }

  update(content: Content): void {
    this.content = content;
    const stage = stageOf(content);
    this.root.dataset["state"] = stage;
    this.picture.update(content.posterUrl);
    this.badge.dataset["kind"] = stage;
    setText(this.badge, words.stages[stage]);
    this.showFacts(content);
    setText(this.sentence, sentenceOf(content));
    setText(this.advice, adviceOf(content));
    const code = content.status?.error?.code ?? "";
    this.code.hidden = stage !== "failed" || code === "";
    setText(this.code, words.code(code));
    this.showRungs(stage, content.status?.renditions ?? []);
    this.showActions(stage, content);
  }

  /** Takes the place of what had the focus and is gone. */
  focus(): void {
    this.title.focus();
  }

  private action(drawn: IconName, word: string, act: (content: Content) => void): HTMLElement {
    return element(
      "button",
      { type: "button", class: "button button-small", onclick: () => act(this.content) },
      icon(drawn),
      word,
    );
  }

  private showFacts({ id, title, price, startedAt, durationSeconds }: Content): void {
    setText(this.title, title || id);
    const added = startedAt ? [moment(startedAt, new Date())] : [];
    setText(this.line, [priceLine(price), ...added].join(" · "));
    this.duration.hidden = !durationSeconds;
    setText(this.duration, clock(durationSeconds ?? 0));
  }

  private showActions(stage: Stage, { id, title, playable, watchUrl }: Content): void {
    const name = title || id;
    this.watch.hidden = !playable;
    this.more.hidden = !playable && (stage === "failed" || stage === "cancelled");
    for (const action of this.ofReady) action.hidden = stage !== "ready";
    this.watch.href = pathOf(watchUrl) ?? `/watch/${encodeURIComponent(id)}`;
    this.watch.setAttribute("aria-label", words.of(words.watch, name));
    const word = over.has(stage) ? words.remove : strings.common.cancel;
    setText(this.removeWord, word);
    this.remove.setAttribute("aria-label", words.of(word, name));
  }

  private showRungs(stage: Stage, renditions: RenditionStatus[]): void {
    const told = over.has(stage) ? [] : renditions;
    const state = JSON.stringify(told);
    if (state === this.shown) return;
    this.shown = state;
    this.rungs.hidden = told.length === 0;
    this.rungs.replaceChildren(...told.map(rung));
  }
}

/** The row of an element that `showList` kept. */
export const contentRows = new WeakMap<HTMLElement, ContentRow>();

function rung(rendition: RenditionStatus): HTMLElement {
  const made = element("li", { class: "rung", "data-state": rendition.state }, renditionWords(rendition));
  const done = rendition.state === "ready" ? 1 : rendition.progress;
  made.style.setProperty("--done", `${Math.round(100 * Math.min(1, Math.max(0, done)))}%`);
  return made;
}
