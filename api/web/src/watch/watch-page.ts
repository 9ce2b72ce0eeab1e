// The watch page: one state at a time, from the price to the receipt.
import { newKey, Problem } from "../server/http";
import { readContent } from "../server/routes";
import type { EventFeed } from "../server/event-feed";
import type { Content, Receipt, SessionStatus } from "../server/types";
import { drained } from "../player/drained";
import type { TollcastPlayer } from "../player/player";
import { element } from "../shell/element";
import { replaceWith } from "../shell/notice";
import { Poller } from "../shell/poller";
import { strings } from "../strings";
import { About } from "./about";
import { Meter } from "./meter";
import { Note } from "./note";
import { PassPanel } from "./pass-panel";
import * as notices from "./notices";
import { Poster } from "./poster";
import { priceLine, pricePanel } from "./price";
import { PursePanel } from "./purse-panel";
import { receiptPanel } from "./receipt";
import { PlaybackSession, replenish } from "./session";

export type WatchState =
  | "loading"
  | "missing"
  | "unreachable"
  | "waiting"
  | "preparing"
  | "unmade"
  | "ready"
  | "starting"
  | "playing"
  | "short"
  | "denied"
  | "elsewhere"
  | "failed"
  | "unsupported"
  | "stopping"
  | "finished";

const CONTENT_POLL_MS = 3000;

/** States in which the page only reflects what the server says about the content. */
const reflecting: ReadonlySet<WatchState> = new Set<WatchState>([
  "loading",
  "missing",
  "unreachable",
  "waiting",
  "preparing",
  "unmade",
  "ready",
]);

/** What there is to say about content before anybody plays it. */
function stateOf({ state, playable }: Content): "waiting" | "preparing" | "unmade" | "ready" {
  if (state === "waiting") return "waiting";
  if (state === "failed" && !playable) return "unmade";
  return state === "processing" && !playable ? "preparing" : "ready";
}

export class WatchPage {
  readonly root: HTMLElement;
  state: WatchState = "loading";
  private content: Content | null = null;
  private poster: Poster | null = null;
  private session: PlaybackSession | null = null;
  private meter: Meter | null = null;
  /** The higher price that is asked about now. */
  private asked: string | null = null;
  private readonly stage: HTMLElement;
  private readonly about = new About();
  private readonly cover = element("div", { class: "stage-cover" });
  private readonly side = element("div");
  private readonly passes: PassPanel;
  private readonly purses: PursePanel;
  private readonly note = new Note();
  private readonly contentPoller = new Poller(CONTENT_POLL_MS, () => this.refreshContent());
  private wish = newKey();
  private figures: EventFeed<SessionStatus> | null = null;

  constructor(
    private readonly id: string,
    private readonly player: TollcastPlayer,
    private readonly playMoney: Promise<boolean>,
  ) {
    this.stage = element("div", { class: "stage" }, player, this.cover);
    player.video.addEventListener("resize", () => this.shape(player.video.videoWidth / player.video.videoHeight));
    this.passes = new PassPanel(playMoney, () => void this.admitted());
    this.purses = new PursePanel(playMoney);
    this.root = element(
      "div",
      { class: "watch" },
      element("div", { class: "watch-main" }, this.stage, this.note.root, this.about.root),
      element("aside", { class: "toll" }, this.side, this.passes.root, this.purses.root),
    );
    this.show("loading", notices.loading());
  }

  get sessionId(): string | null {
    return this.session?.id ?? null;
  }

  open(): void {
    this.contentPoller.start();
    window.addEventListener("pagehide", () => {
      this.player.hold();
      this.session?.abandon();
    });
    window.addEventListener("pageshow", (event) => {
      // Shown again from the browser's memory: the session ended when the page was left.
      if (event.persisted && this.session !== null) this.deny();
    });
  }

  private show(state: WatchState, ...cover: HTMLElement[]): void {
    this.state = state;
    this.purses.busy = this.session !== null;
    this.root.dataset["state"] = state;
    this.cover.hidden = cover.length === 0;
    // What is covered is out of reach for the keyboard as well.
    this.player.inert = cover.length > 0;
    replaceWith(this.cover, ...cover);
  }

  // --- before anything is paid ---

  private async refreshContent(): Promise<void> {
    const before = this.content;
    try {
      this.content = await readContent(this.id);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (!reflecting.has(this.state)) return;
      if (error.status === 404) this.show("missing", notices.missing());
      else if (this.content === null) this.show("unreachable", notices.unreachable());
      return;
    }
    this.about.update(this.content);
    this.passes.update(this.content);
    this.poster?.update(this.content);
    this.player.interrupted = this.content.interrupted;
    if (reflecting.has(this.state)) this.reflect(this.content);
    else if (before !== null) this.noteProgress(before, this.content);
  }

  /** What is played may be finished meanwhile: more to choose from, and pictures for the seek bar. */
  private noteProgress(before: Content, now: Content): void {
    if (before.storyboardUrl !== now.storyboardUrl) this.player.loadStoryboard(now.storyboardUrl);
    if (this.state !== "playing" || before.state !== "processing") return;
    const { cutShort, sharper, sharperUse } = strings.watch;
    if (now.state === "failed") this.note.show(cutShort);
    if (now.state === "on_demand") this.note.show(sharper, { label: sharperUse, run: () => this.play(this.position) });
  }

  /** The frame takes the form of an upright picture where there is room for it. */
  private shape(ratio: number): void {
    this.stage.classList.toggle("stage-upright", ratio < 1);
  }

  private makePoster(content: Content, start: () => void): Poster {
    this.poster = new Poster(content, start, (ratio) => this.shape(ratio));
    return this.poster;
  }

  private reflect(content: Content): void {
    const state = stateOf(content);
    if (state === this.state) return;
    if (!this.player.canPlay) return this.show("unsupported", notices.unsupported());
    if (state === "ready") this.show(state, this.makePoster(content, () => void this.start(-1)).root);
    else this.show(state, notices[state]());
    replaceWith(this.side, pricePanel(content.price));
  }

  // --- playing ---

  /**
   * Begins a new session at `position` seconds; -1 is the live edge, or the beginning. `takeOver` ends
   * another one for it where there are enough.
   */
  private async start(position: number, takeOver = false): Promise<void> {
    const { content } = this;
    if (content === null) return;
    const poster = this.makePoster(content, () => undefined);
    poster.busy(true);
    this.show("starting", poster.root);
    const { purse } = this.purses;
    try {
      this.session = await PlaybackSession.begin(content.id, content.price, this.wish, takeOver, purse);
      this.wish = newKey();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // Nobody knows what became of a request without an answer: the next one asks for the same.
      if (error.status >= 400 && error.status < 500) this.wish = newKey();
      this.startRefused(error, position);
      return;
    }
    this.meter = new Meter(() => void this.stop(strings.watch.receiptThanks));
    this.meter.update(purse?.covering(this.session.initial, this.session.price) ?? this.session.initial);
    replaceWith(this.side, this.meter.root);
    this.play(position);
  }

  private startRefused(problem: Problem, position: number): void {
    if (problem.status === 402) void this.fallShort();
    else if (problem.code === "too_many_sessions")
      this.show("elsewhere", notices.elsewhere(() => void this.start(position, true)));
    else this.show("failed", notices.failed(problem.message, () => void this.start(position)));
  }

  private play(position: number): void {
    if (this.session === null || this.content === null) return;
    const { kind, posterUrl, storyboardUrl } = this.content;
    this.show("playing");
    this.note.hide();
    this.player.load({
      url: this.session.playbackUrl,
      startPosition: position,
      recorded: kind !== "live",
      poster: posterUrl,
      storyboard: storyboardUrl,
      listener: {
        refused: (status) => (status === 402 ? void this.fallShort() : this.deny()),
        failed: (reason) => this.fail(reason),
        ended: () => void this.stop(strings.watch.receiptEnded),
        liveEnded: () => this.note.show(strings.watch.endedLive),
        stillChanged: (still) => this.meter?.showStill(still),
      },
    });
    this.follow(this.session);
  }

  /** Where to go on: a live goes on at its edge. */
  private get position(): number {
    return this.player.live ? -1 : this.player.video.currentTime;
  }

  private follow(session: PlaybackSession): void {
    this.figures?.stop();
    this.figures = session.follow({
      changed: (status) => this.showFigures(session, status),
      stateChanged: () => undefined, // the figures are the server's, however they came
      refused: () => session === this.session && this.deny(),
    });
    void this.figures.run();
  }

  private showFigures(session: PlaybackSession, status: SessionStatus): void {
    // It may come after the session was stopped here.
    if (session !== this.session || this.state === "finished") return;
    const { purse } = this.purses;
    this.meter?.update(purse?.covering(status, session.price) ?? status);
    void purse?.follow(status, session.price);
    this.tellPrice(session, status);
    if (status.state === "closed" && this.state === "playing") this.deny();
  }

  /** A higher price holds soon, and only for who says so. */
  private tellPrice(session: PlaybackSession, { priceChange }: SessionStatus): void {
    if (this.state !== "playing") return;
    const asked = priceChange === null || priceChange.agreed ? null : priceChange.epoch;
    if (asked === this.asked) return;
    this.asked = asked;
    if (priceChange === null || asked === null) return this.note.hide();
    const { dearer, dearerAgree } = strings.watch;
    const agree = (): void => {
      session.agree(asked).then(
        (status) => this.tellPrice(session, status),
        () => (this.asked = null), // it is asked again with the next answer
      );
    };
    const left = Math.max(0, Math.round((Date.parse(priceChange.effectiveAt) - Date.now()) / 1000));
    this.note.show(dearer(priceLine(priceChange.price), left), { label: dearerAgree, run: agree });
  }

  // --- interruptions ---

  private async fallShort(): Promise<void> {
    const { content } = this;
    if (content === null || this.state === "short") return;
    this.state = "short";
    if (await this.refilled()) return;
    const playMoney = await this.playMoney;
    const { shortSoon, shortPlay, shortCheck } = strings.watch;
    const again = (): void => void this.resume(playMoney);
    if (this.session !== null) {
      // What was delivered is paid for: it is shown to its end before anything covers it.
      this.note.show(shortSoon, { label: playMoney ? shortPlay : shortCheck, run: again });
      await drained(this.player.video);
      if (this.state !== "short") return;
      this.note.hide();
    }
    this.show("short", notices.short(priceLine(content.price), playMoney, again));
  }

  /** A voucher came too late for what was asked for: it goes on with another one. */
  private async refilled(): Promise<boolean> {
    const { session } = this;
    const { purse } = this.purses;
    if (session === null || purse === null) return false;
    try {
      const status = await session.read();
      if (status.state !== "open" || !(await purse.refill(session.price))) return false;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return false;
    }
    if (this.state !== "short") return true;
    this.show("playing");
    this.player.resume();
    return true;
  }

  private async resume(playMoney: boolean): Promise<void> {
    this.state = "starting";
    this.note.hide();
    this.cover.querySelector("button")?.setAttribute("disabled", "");
    let open = false;
    try {
      if (!(await replenish(playMoney))) return await this.fallShort();
      open = this.session !== null && (await this.session.read()).state === "open";
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.show("failed", notices.failed(error.message, () => void this.resume(playMoney)));
      return;
    }
    if (!open) return this.start(this.position);
    this.show("playing");
    this.player.resume();
  }

  /** With a pass: what plays goes on in a session that costs nothing, where it is. */
  private async admitted(): Promise<void> {
    const { session, position } = this;
    if (session === null && this.state === "short") return this.start(position);
    if (session === null || (this.state !== "playing" && this.state !== "short")) return;
    this.state = "stopping";
    this.player.hold();
    try {
      await session.stop();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // The server closes it by itself when nobody fetches from it.
      session.abandon();
    }
    this.halt();
    await this.start(position);
  }

  private deny(): void {
    if (this.state === "denied" || this.state === "stopping") return;
    const { position } = this;
    this.session?.abandon();
    this.halt();
    this.show("denied", notices.denied(() => void this.start(position)));
  }

  private fail(reason: string): void {
    const { position } = this;
    this.session?.abandon();
    this.halt();
    this.show("failed", notices.failed(reason, () => void this.start(position)));
  }

  private halt(): void {
    this.session = null;
    this.note.hide();
    this.figures?.stop();
    this.figures = null;
    this.player.unload();
    if (this.content !== null) replaceWith(this.side, pricePanel(this.content.price));
  }

  // --- the end ---

  private async stop(title: string): Promise<void> {
    const { session, meter, content } = this;
    if (session === null || this.state === "stopping") return;
    const before = this.state;
    this.state = "stopping";
    this.player.hold();
    meter?.stopping();
    try {
      this.finish(await session.stop(), session, title);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.state = before;
      this.player.release();
      meter?.stopFailed();
      return;
    }
    if (content !== null) this.about.update(content);
  }

  /** What was live may have become on demand, or wait for its next broadcast. */
  private again(): void {
    if (this.content?.state === "waiting") {
      this.state = "loading";
      this.reflect(this.content);
    } else void this.start(-1);
  }

  private finish(receipt: Receipt, session: PlaybackSession, title: string): void {
    this.halt();
    this.show("finished", notices.finished(title, () => this.again()));
    const panel = receiptPanel(receipt, session.price, this.content?.title ?? "");
    replaceWith(this.side, panel);
    panel.focus({ preventScroll: true });
  }
}
