// What viewers see, for the creator: muted, free, with its delay.
import { startSession, stopSession } from "../server/routes";
import { newKey, Problem } from "../server/http";
import { TollcastPlayer } from "../player/player";
import { element } from "../shell/element";
import { icon } from "../shell/icons";
import { notice, replaceWith } from "../shell/notice";
import { strings } from "../strings";

const words = strings.studio;

export class Preview {
  readonly root: HTMLElement;
  private contentId: string | null = null;
  private sessionId: string | null = null;
  private player: TollcastPlayer | null = null;
  private readonly stage = element("div", { class: "stage preview-stage" });
  private readonly hide: HTMLButtonElement;

  constructor(private readonly token: string) {
    this.hide = element(
      "button",
      { type: "button", class: "button button-small", hidden: true, onclick: () => this.close() },
      words.previewStop,
    );
    this.root = element(
      "section",
      { class: "preview" },
      element(
        "header",
        { class: "preview-head" },
        element("h4", { class: "eyebrow" }, words.preview),
        element("span", { class: "hint" }, words.previewFree),
        this.hide,
      ),
      this.stage,
    );
    this.close();
    window.addEventListener("pagehide", () => this.end(true));
  }

  /** What there is to see: null when nothing is published. `open` shows it without being asked. */
  update(contentId: string | null, open: boolean): void {
    if (contentId === this.contentId) return;
    this.contentId = contentId;
    if (contentId !== null && open) void this.open();
    else this.close();
  }

  private async open(): Promise<void> {
    const { contentId } = this;
    if (contentId === null) return;
    this.end(false);
    try {
      const session = await startSession(this.token, contentId, newKey());
      if (contentId !== this.contentId) return void stopSession(this.token, session.sessionId);
      this.sessionId = session.sessionId;
      this.show(session.playbackUrl);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.offer(words.previewFailed);
    }
  }

  private show(url: string): void {
    this.player = new TollcastPlayer();
    this.player.setAttribute("muted", "");
    this.stage.replaceChildren(this.player);
    this.hide.hidden = false;
    this.player.load({
      url,
      listener: {
        refused: () => this.close(),
        failed: () => this.offer(words.previewFailed),
        ended: () => this.close(),
        liveEnded: () => undefined,
        stillChanged: () => undefined,
      },
    });
  }

  private close(): void {
    this.end(false);
    this.offer(this.contentId === null ? words.previewIdle : "");
  }

  private offer(text: string): void {
    this.end(false);
    this.hide.hidden = true;
    const button = element(
      "button",
      { type: "button", class: "button", onclick: () => void this.open() },
      icon("play"),
      words.previewStart,
    );
    const idle = notice({ name: "preview", icon: "signal", title: "", text });
    if (this.contentId !== null) idle.append(button);
    replaceWith(this.stage, idle);
  }

  private end(leaving: boolean): void {
    this.player?.unload();
    this.player = null;
    if (this.sessionId === null) return;
    stopSession(this.token, this.sessionId, leaving).catch(() => {
      // The session costs nothing and ends by itself.
    });
    this.sessionId = null;
  }
}
