// The first page: what is on now, what can be watched at any time, and what it costs.
import { openPage } from "../shell/page";
import "../styles/home.css";
import { Problem } from "../server/http";
import { listContent } from "../server/routes";
import type { Content, ContentState } from "../server/types";
import { element, required, setText, showList } from "../shell/element";
import { icon, type IconName } from "../shell/icons";
import { notice, replaceWith } from "../shell/notice";
import { Poller } from "../shell/poller";
import { strings } from "../strings";
import { emblem } from "./emblem";
import { ContentCard, cards } from "./card";

/** Often enough that a stream that just began appears while one looks. */
const POLL_MS = 3000;
/** How often the pictures of what is live are looked at anew. */
const PICTURE_MS = 10_000;
const SKELETONS = 3;

const words = strings.home;

class Section {
  readonly root: HTMLElement;
  private readonly heading = element("span");
  private readonly count = element("span", { class: "count" });
  private readonly list = element("ul", { class: "cards" });

  constructor(name: string) {
    const id = `section-${name}`;
    this.root = element(
      "section",
      { class: "section", "aria-labelledby": id, hidden: true },
      element("h2", { id, class: "section-heading" }, this.heading, this.count),
      this.list,
    );
  }

  update(heading: string, count: number, items: readonly Content[]): void {
    this.root.hidden = items.length === 0;
    setText(this.heading, heading);
    setText(this.count, String(count));
    showList(
      this.list,
      items,
      (content) => content.id,
      (content) => new ContentCard(content).root,
      (made, content) => cards.get(made)?.update(content),
    );
  }

  async renewPictures(): Promise<void> {
    const shown = [...this.list.children] as HTMLElement[];
    await Promise.all(shown.map((made) => cards.get(made)?.renewPicture()));
  }
}

const now = new Section("now");
const onDemand = new Section("on-demand");
const message = element("div", { "aria-live": "polite" });

function hero(): HTMLElement {
  const step = (name: IconName, title: string, text: string): HTMLElement =>
    element("li", {}, icon(name), element("strong", {}, title), element("span", {}, text));
  return element(
    "section",
    { class: "hero" },
    element("h1", {}, words.heading, " ", element("em", {}, words.headingEnd)),
    emblem(),
    element("p", { class: "lead" }, words.lead),
    element(
      "ol",
      { class: "steps" },
      step("coin", words.stepPrice, words.stepPriceText),
      step("play", words.stepWatch, words.stepWatchText),
      step("stop", words.stepStop, words.stepStopText),
    ),
  );
}

function skeleton(): HTMLElement {
  const card = (): HTMLElement =>
    element("li", { class: "card card-skeleton" }, element("div", { class: "card-picture" }), element("div", { class: "card-body" }));
  return element(
    "div",
    { "data-notice": "loading" },
    element("p", { class: "visually-hidden" }, words.loading),
    element("ul", { class: "cards", "aria-hidden": "true" }, ...Array.from({ length: SKELETONS }, card)),
  );
}

function emptyNotice(): HTMLElement {
  const panel = notice({ name: "empty", icon: "signal", title: words.emptyTitle, text: words.emptyText });
  panel.append(element("a", { class: "button", href: "/studio" }, words.emptyAction));
  return panel;
}

function show(items: readonly Content[]): void {
  const inState = (state: ContentState) => items.filter((content) => content.state === state);
  const live = inState("live");
  const waiting = inState("waiting");
  const later = items.filter(({ state, playable }) => playable && state !== "live");
  if (live.length > 0) now.update(words.liveHeading, live.length, [...live, ...waiting]);
  else now.update(words.waitingHeading, waiting.length, waiting);
  onDemand.update(words.onDemandHeading, later.length, later);
  if (live.length + waiting.length + later.length > 0) replaceWith(message);
  else if (message.querySelector("[data-notice=empty]") === null) replaceWith(message, emptyNotice());
}

async function refresh(): Promise<void> {
  try {
    show(await listContent());
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { unreachable, unreachableText } = strings.common;
    replaceWith(
      message,
      notice({ name: "unreachable", icon: "alert", title: unreachable, text: unreachableText }),
    );
  }
}

required("main").append(hero(), message, now.root, onDemand.root);
replaceWith(message, skeleton());
void openPage();
new Poller(POLL_MS, refresh).start();
new Poller(PICTURE_MS, () => now.renewPictures()).start();
