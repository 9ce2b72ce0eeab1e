// How a live source is doing: in words first, then in figures.
import { strings } from "../strings";
import type { Health, SourceRendition } from "../server/types";
import { bitrate } from "../shell/durations";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";

const words = strings.studio;

export class HealthPanel {
  readonly root: HTMLElement;
  private readonly messages = element("ul", { class: "messages", "aria-live": "polite" });
  private readonly lag = element("dd");
  private readonly restarts = element("dd");
  private readonly dropped = element("dd");
  private readonly rows = element("tbody");
  private readonly table: HTMLElement;
  private shown = "";

  constructor() {
    const figure = (name: string, value: HTMLElement): HTMLElement =>
      element("div", {}, element("dt", {}, name), value);
    const heading = (text: string): HTMLElement => element("th", { scope: "col" }, text);
    this.table = element(
      "div",
      { class: "table-box", tabindex: 0, role: "group", "aria-label": words.renditions },
      element(
        "table",
        { class: "table" },
        element("caption", {}, words.renditions),
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            ...[words.rendition, words.making, words.size, words.rate, words.bitrate].map(heading),
          ),
        ),
        this.rows,
      ),
    );
    this.root = element(
      "section",
      { class: "health" },
      element("h4", { class: "eyebrow" }, words.health),
      this.messages,
      element(
        "dl",
        { class: "figures figures-row" },
        figure(words.lag, this.lag),
        figure(words.restarts, this.restarts),
        figure(words.dropped, this.dropped),
      ),
      this.table,
    );
  }

  update(health: Health): void {
    setText(this.lag, `${health.lagMs} ms`);
    setText(this.restarts, String(health.workerRestarts));
    setText(this.dropped, String(health.droppedPackets));
    const state = JSON.stringify([health.messages, health.renditions]);
    if (state === this.shown) return;
    this.shown = state;
    this.messages.replaceChildren(...messageLines(health));
    this.table.hidden = health.renditions.length === 0;
    this.rows.replaceChildren(...health.renditions.map(renditionRow));
  }
}

/** What the table of renditions does not say already. */
function messageLines({ messages, renditions }: Health): HTMLElement[] {
  const line = (kind: "good" | "warning", text: string): HTMLElement =>
    element("li", { "data-kind": kind }, icon(kind === "good" ? "check" : "alert"), element("span", {}, text));
  if (messages.length === 0) return [line("good", words.healthGood)];
  const reasons = new Set(renditions.map(({ reason }) => reason));
  return messages.filter((message) => !reasons.has(message)).map((message) => line("warning", message));
}

function renditionRow(rendition: SourceRendition): HTMLElement {
  const { name, width, height, frameRate, state, reason, passedThrough } = rendition;
  const shed = state === "shed";
  const made = passedThrough ? words.passedThrough : words.encoded;
  const kind = shed ? "shed" : passedThrough ? "passed" : "encoded";
  const sound = width === null || height === null || width === 0 || height === 0;
  return element(
    "tr",
    { class: shed ? "row-shed" : undefined },
    element("th", { scope: "row" }, name),
    element(
      "td",
      {},
      element("span", { class: "tag", "data-kind": kind }, shed ? words.shed : made),
      reason !== null && reason !== "" && element("small", {}, reason),
    ),
    element("td", {}, sound ? words.soundOnly : `${width} × ${height}`),
    element("td", {}, frameRate === null || sound ? "–" : String(Math.round(frameRate * 100) / 100)),
    element("td", {}, rendition.bitrate > 0 ? bitrate(rendition.bitrate) : "–"),
  );
}
