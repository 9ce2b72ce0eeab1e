// The lines under the picture: what it is and who makes it.
import { strings } from "../strings";
import type { Content } from "../server/types";
import { setStateBadge, shownState, stateBadge } from "../shell/badge";
import { moment, spell } from "../shell/durations";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";

export class About {
  readonly root: HTMLElement;
  private readonly badge = stateBadge("waiting");
  private readonly title = element("h1", { class: "about-title" });
  private readonly creator = element("span", { class: "about-creator" });
  private readonly viewers = element("span");
  private readonly viewersChip = element("span", { class: "about-fact" }, icon("eye"), this.viewers);
  private readonly duration = element("span");
  private readonly durationChip = element("span", { class: "about-fact" }, icon("film"), this.duration);
  private readonly started = element("span");
  private readonly startedChip = element("span", { class: "about-fact" }, icon("clock"), this.started);

  constructor() {
    this.root = element(
      "header",
      { class: "about" },
      this.title,
      element("p", { class: "about-line" }, this.badge, this.creator, this.viewersChip, this.durationChip, this.startedChip),
    );
  }

  update(content: Content): void {
    const { title, id, creator, kind, state, playable, viewers, startedAt, durationSeconds } = content;
    const name = title || id;
    setText(this.title, name);
    document.title = `${name} – ${strings.shell.name}`;
    setText(this.creator, strings.common.by(creator));
    setStateBadge(this.badge, shownState(content));
    setText(this.viewers, strings.common.viewers(viewers));
    this.viewersChip.hidden = !playable;
    this.durationChip.hidden = !durationSeconds || state === "live";
    setText(this.duration, spell(durationSeconds ?? 0));
    this.startedChip.hidden = !startedAt;
    const began = kind === "live" ? strings.common.started : strings.common.uploaded;
    if (startedAt) setText(this.started, began(moment(startedAt, new Date())));
  }
}
