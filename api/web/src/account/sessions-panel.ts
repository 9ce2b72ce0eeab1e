// What is playing on this account, wherever that is, and how to stop it from here.
import { Problem } from "../server/http";
import { stopSession } from "../server/routes";
import type { SessionStatus } from "../server/types";
import { trimAmount } from "../shell/amounts";
import { Announcer } from "../shell/announcer";
import { codeOf } from "../shell/asset";
import { clock, moment } from "../shell/durations";
import { element, setText, showList } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";

const words = strings.account;

class Row {
  readonly root: HTMLElement;
  private readonly figures = element("span", { class: "muted" });
  private readonly word = element("span", {}, words.stop);
  private readonly button: HTMLButtonElement;
  private readonly problem = element("p", { class: "form-error", role: "alert", hidden: true }, words.stopFailed);

  constructor(
    private readonly token: string,
    private readonly id: string,
    title: string,
    since: string,
    private readonly stopped: () => void,
  ) {
    this.button = element(
      "button",
      {
        type: "button",
        class: "button button-small",
        "aria-label": words.stopWhat(title),
        onclick: () => void this.stop(),
      },
      icon("stop"),
      this.word,
    );
    this.root = element(
      "li",
      { class: "open-session" },
      element(
        "div",
        {},
        element("strong", {}, title),
        element("span", { class: "muted" }, words.session(moment(since, new Date()))),
        this.figures,
      ),
      this.button,
      this.problem,
    );
    rows.set(this.root, this);
  }

  update({ secondsBilled, amount, asset }: SessionStatus): void {
    setText(this.figures, `${clock(secondsBilled)} · ${trimAmount(amount)} ${codeOf(asset)}`);
  }

  private async stop(): Promise<void> {
    this.button.disabled = true;
    this.problem.hidden = true;
    setText(this.word, words.stopping);
    try {
      await stopSession(this.token, this.id);
      this.stopped();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.button.disabled = false;
      this.problem.hidden = false;
      setText(this.word, words.stop);
    }
  }
}

const rows = new WeakMap<HTMLElement, Row>();

export class SessionsPanel {
  readonly root: HTMLElement;
  private readonly announcer = new Announcer();
  private readonly list = element("ul", { class: "open-sessions" });
  private readonly empty = element("p", { class: "muted" }, words.sessionsNone);

  /** `titleOf` knows what content is called; `changed` is called when a session was stopped here. */
  constructor(
    private readonly token: string,
    private readonly titleOf: (contentId: string) => string,
    private readonly changed: () => void,
  ) {
    this.root = element(
      "section",
      { class: "panel", "aria-labelledby": "sessions-heading" },
      element("h2", { id: "sessions-heading", class: "eyebrow" }, words.sessions),
      this.list,
      this.empty,
      this.announcer.region,
    );
  }

  update(sessions: readonly SessionStatus[]): void {
    this.empty.hidden = sessions.length > 0;
    showList(
      this.list,
      sessions,
      ({ sessionId }) => sessionId,
      ({ sessionId, contentId, openedAt }) =>
        new Row(this.token, sessionId, this.titleOf(contentId), openedAt, () => this.stopped()).root,
      (made, session) => rows.get(made)?.update(session),
    );
  }

  private stopped(): void {
    this.announcer.say(words.stopped);
    this.changed();
  }
}
