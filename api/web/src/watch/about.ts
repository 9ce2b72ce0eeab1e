// The lines under the picture: what it is and who makes it.
import { strings } from "../strings";
import type { Content } from "../server/types";
import { setStateBadge, stateBadge } from "../shell/badge";
import { moment } from "../shell/durations";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";

export class About {
  readonly root: HTMLElement;
  private readonly badge = stateBadge("waiting");
  private readonly title = element("h1", { class: "about-title" });
  private readonly creator = element("span", { class: "about-creator" });
  private readonly viewers = element("span");
  private readonly viewersChip = element("span", { class: "about-fact" }, icon("eye"), this.viewers);
  private readonly started = element("span");
  private readonly startedChip = element("span", { class: "about-fact" }, icon("clock"), this.started);

  constructor() {
    this.root = element(
      "header",
      { class: "about" },
      this.title,
      element("p", { class: "about-line" }, this.badge, this.creator, this.viewersChip, this.startedChip),
    );
  }

  update({ title, id, creator, state, viewers, startedAt }: Content): void {
    const name = title || id;
    setText(this.title, name);
    document.title = `${name} – ${strings.shell.name}`;
    setText(this.creator, strings.common.by(creator));
    setStateBadge(this.badge, state);
    setText(this.viewers, strings.common.viewers(viewers));
    this.viewersChip.hidden = state === "waiting";
    this.startedChip.hidden = !startedAt;
    if (startedAt) setText(this.started, strings.common.started(moment(startedAt, new Date())));
  }
}
