// <tollcast-player>: picture, controls, keyboard and the words for what it is waiting for.
import "../styles/player.css";
import { strings } from "../strings";
import { pathOf } from "../shell/address";
import { element, setText } from "../shell/element";
import { readStored, writeStored } from "../shell/stored";
import { Controls, type ControlState } from "./controls";
import { isDry } from "./drained";
import { Engine, type Level, type Trouble } from "./engine";
import { handleKey } from "./keys";

/** What the player tells the page around it. */
export interface PlayerListener {
  /** The server refused to deliver: 402 the balance is short, otherwise the session is over. */
  refused(status: number): void;
  failed(reason: string): void;
  /** The last frame was shown. */
  ended(): void;
  /** The live ended; what is left is still played. */
  liveEnded(): void;
  /** All of an interrupted live was shown, and it waits for its publisher; or it goes on. */
  stillChanged(still: boolean): void;
}

export interface LoadOptions {
  url: string;
  listener: PlayerListener;
  /** Seconds of the stream; -1 is the live edge, or the beginning when on demand. */
  startPosition?: number;
  /** An upload: never live, although it may still grow. */
  recorded?: boolean;
  /** What is shown until the first frame is there. */
  poster?: string | null;
  /** A WebVTT file of little pictures for the seek bar. */
  storyboard?: string | null;
}

/** The controls hide after this long without a movement, while playing. */
const HIDE_AFTER_MS = 2500;
/** How often latency and position are written anew. */
const REFRESH_MS = 250;
/** Right at the end of a growing recording there is no picture yet; so far before it there is one. */
const GROWING_EDGE_S = 0.5;
/** Within this distance of where live playback aims, one is at the live edge. */
const EDGE_S = 3;

export class TollcastPlayer extends HTMLElement {
  readonly video = element("video", { playsinline: true, class: "player-video", tabindex: -1 });
  /** Times that playing had to wait for data, since the load. */
  stalls = 0;
  private engine: Engine | null = null;
  private listener: PlayerListener | null = null;
  private trouble: Trouble = "none";
  private started = false;
  private wasLive = false;
  private still = false;
  private publisherGone = false;
  private hideTimer: number | undefined;
  private refreshTimer: number | undefined;
  private readonly status = element("p", { class: "player-status", role: "status", hidden: true });
  private readonly sound = element(
    "button",
    { type: "button", class: "button player-sound", hidden: true, onclick: () => this.toggleMute() },
    strings.player.tapToUnmute,
  );
  private readonly controls = new Controls(this);

  connectedCallback(): void {
    if (this.video.parentElement === null) this.build();
    document.addEventListener("keydown", this.onKey);
    document.addEventListener("fullscreenchange", this.refresh);
    this.refreshTimer = window.setInterval(this.refresh, REFRESH_MS);
  }

  disconnectedCallback(): void {
    document.removeEventListener("keydown", this.onKey);
    document.removeEventListener("fullscreenchange", this.refresh);
    window.clearInterval(this.refreshTimer);
    this.unload();
  }

  get levels(): Level[] {
    return this.engine?.levels ?? [];
  }

  get currentLevel(): number {
    return this.engine?.currentLevel ?? -1;
  }

  get live(): boolean {
    return this.engine?.live ?? false;
  }

  get latency(): number | null {
    return this.engine?.latency ?? null;
  }

  get canPlay(): boolean {
    return Engine.canPlay(this.video);
  }

  /** Plays another address, in place of what was playing. */
  load({ url, listener, startPosition = -1, recorded = false, poster = null, storyboard = null }: LoadOptions): void {
    this.unload();
    this.showPoster(poster);
    this.controls.loadStoryboard(storyboard);
    this.listener = listener;
    this.stalls = 0;
    this.dataset["loaded"] = "";
    this.engine = new Engine(this.video, { url, startPosition, recorded }, {
      levelsChanged: this.refresh,
      tracksChanged: this.refresh,
      openChanged: () => this.noteLive(),
      troubleChanged: (trouble) => {
        this.trouble = trouble;
        this.refresh();
      },
      refused: (status) => listener.refused(status),
      failed: (reason) => listener.failed(reason),
    });
    void this.play();
    this.wake();
  }

  /** Stands still, and asks for nothing more. */
  hold(): void {
    this.video.pause();
    this.engine?.hold();
  }

  /** Stands still until somebody presses play, and may load for that. */
  release(): void {
    this.engine?.resume();
  }

  /** Goes on after a refusal whose cause is gone. */
  resume(): void {
    this.engine?.resume();
    void this.play();
  }

  unload(): void {
    this.engine?.destroy();
    delete this.dataset["loaded"];
    this.engine = null;
    this.listener = null;
    this.trouble = "none";
    this.started = false;
    this.wasLive = false;
    this.still = false;
    this.publisherGone = false;
  }

  /** Whether the publisher of this live is known to be gone for a while. */
  set interrupted(interrupted: boolean) {
    this.publisherGone = interrupted;
    this.refresh();
  }

  togglePlay(): void {
    if (this.engine === null) return;
    if (this.video.paused) void this.play();
    else this.video.pause();
  }

  toggleMute(): void {
    this.video.muted = !this.video.muted;
    if (!this.video.muted && this.video.volume === 0) this.video.volume = 0.5;
  }

  setVolume(volume: number): void {
    this.video.volume = Math.min(1, Math.max(0, volume));
    this.video.muted = volume <= 0;
  }

  changeVolume(step: number): void {
    this.setVolume((this.video.muted ? 0 : this.video.volume) + step);
  }

  seekTo(seconds: number): void {
    const last = this.engine?.growing ? Math.max(0, this.video.duration - GROWING_EDGE_S) : Infinity;
    this.video.currentTime = Math.min(last, seconds);
  }

  /** What will be played can have its little pictures later than its first seconds. */
  loadStoryboard(url: string | null): void {
    this.controls.loadStoryboard(url);
  }

  seekBy(seconds: number): void {
    const { seekable, currentTime } = this.video;
    if (this.engine === null || seekable.length === 0) return;
    const last = seekable.end(seekable.length - 1);
    const place = Math.min(last, Math.max(seekable.start(0), currentTime + seconds));
    this.seekTo(place);
    this.controls.peek(place);
  }

  goLive(): void {
    const edge = this.engine?.liveEdge ?? null;
    if (edge !== null) this.seekTo(edge);
    void this.play();
  }

  choose(level: number): void {
    this.engine?.choose(level);
    this.refresh();
  }

  chooseSound(track: number): void {
    this.engine?.chooseSound(track);
    this.refresh();
  }

  chooseCaptions(track: number): void {
    this.engine?.chooseCaptions(track);
    this.refresh();
  }

  /** Turns captions on or off; on is the first track, or the one of the viewer's language. */
  toggleCaptions(): void {
    const tracks = this.engine?.captionTracks ?? [];
    if (this.engine === null || tracks.length === 0) return;
    const own = tracks.findIndex(({ language }) => navigator.languages.some((each) => each.startsWith(language)));
    this.chooseCaptions(this.engine.captionTrack >= 0 ? -1 : Math.max(0, own));
  }

  toggleFullscreen(): void {
    if (document.fullscreenElement !== null) void document.exitFullscreen();
    else if (document.fullscreenEnabled) void this.requestFullscreen();
  }

  togglePicture(): void {
    if (document.pictureInPictureElement !== null) void document.exitPictureInPicture();
    else void this.video.requestPictureInPicture();
  }

  private build(): void {
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", strings.player.label);
    const stored = Number(readStored("volume") ?? "1");
    this.video.volume = Number.isFinite(stored) ? Math.min(1, Math.max(0, stored)) : 1;
    this.video.muted = this.hasAttribute("muted") || readStored("muted") === "true";
    this.append(this.video, this.status, this.sound, this.controls.root);
    this.listenToVideo();
    for (const moved of ["pointermove", "pointerdown", "focusin"]) {
      this.addEventListener(moved, this.wake);
    }
    this.addEventListener("dblclick", (event) => {
      if (event.target === this.video) this.toggleFullscreen();
    });
  }

  private listenToVideo(): void {
    const { video } = this;
    for (const changed of ["play", "pause", "durationchange", "seeked", "loadedmetadata"]) {
      video.addEventListener(changed, this.refresh);
    }
    video.addEventListener("playing", () => {
      this.started = true;
      this.refresh();
    });
    video.addEventListener("waiting", () => {
      if (this.started && !video.seeking) this.stalls += 1;
      this.refresh();
    });
    video.addEventListener("volumechange", () => this.noteVolume());
    video.addEventListener("ended", () => this.listener?.ended());
    video.addEventListener("click", () => {
      // A finger's first touch only brings the controls back.
      if (window.matchMedia("(hover: hover)").matches) this.togglePlay();
    });
  }

  private noteVolume(): void {
    if (!this.video.muted) this.sound.hidden = true;
    if (!this.hasAttribute("muted")) {
      writeStored("volume", String(this.video.volume));
      writeStored("muted", String(this.video.muted));
    }
    this.refresh();
  }

  private async play(): Promise<void> {
    try {
      await this.video.play();
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      // The browser wants a touch before there may be sound. AbortError means only that a newer load began.
      if (error.name !== "NotAllowedError" || this.video.muted) return;
      this.video.muted = true;
      this.sound.hidden = false;
      await this.play();
    }
  }

  private noteLive(): void {
    if (this.wasLive && !this.live) this.listener?.liveEnded();
    this.wasLive = this.live;
    this.refresh();
  }

  private noteStill(engine: Engine): void {
    const waits = engine.live && (this.publisherGone || engine.signalLost);
    const still = waits && this.started && !this.video.paused && isDry(this.video);
    if (still === this.still) return;
    this.still = still;
    this.listener?.stillChanged(still);
  }

  private showPoster(url: string | null): void {
    const path = url === null ? null : pathOf(url);
    if (path === null) this.video.removeAttribute("poster");
    else this.video.poster = path;
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    // Where there are several players, or one beside other work, the keys belong to the focused one.
    const focused = this.contains(document.activeElement);
    if (this.engine === null || event.defaultPrevented || this.inert) return;
    if (this.hasAttribute("muted") && !focused) return;
    if (handleKey(event, this)) this.wake();
  };

  private readonly wake = (): void => {
    this.classList.remove("player-quiet");
    window.clearTimeout(this.hideTimer);
    this.hideTimer = window.setTimeout(() => {
      if (!this.video.paused && !this.controls.busy) this.classList.add("player-quiet");
    }, HIDE_AFTER_MS);
  };

  private readonly refresh = (): void => {
    if (this.engine === null) return;
    this.controls.update(this.controlState(this.engine));
    this.noteStill(this.engine);
    const words = this.statusWords(this.engine);
    this.status.hidden = words === "";
    setText(this.status, words);
  };

  private controlState(engine: Engine): ControlState {
    const { video } = this;
    const edge = engine.liveEdge;
    return {
      paused: video.paused,
      muted: video.muted,
      volume: video.volume,
      live: engine.live,
      growing: engine.growing,
      atEdge: edge !== null && video.currentTime > edge - EDGE_S,
      latency: engine.latency,
      seekWindow: engine.seekWindow,
      soundTracks: engine.soundTracks,
      soundTrack: engine.soundTrack,
      captionTracks: engine.captionTracks,
      captionTrack: engine.captionTrack,
      position: video.currentTime,
      duration: video.duration,
      levels: engine.levels,
      currentLevel: engine.currentLevel,
      automatic: engine.automatic,
      fullscreen: document.fullscreenElement === this,
      pictureOffered: document.pictureInPictureEnabled && !video.disablePictureInPicture,
    };
  }

  private statusWords(engine: Engine): string {
    const { video } = this;
    if (this.trouble === "reconnecting") return strings.player.reconnecting;
    if (this.trouble === "recovering") return strings.player.recovering;
    if (video.paused || video.ended || !isDry(video)) return "";
    if (engine.growing && video.currentTime > video.duration - EDGE_S) return strings.player.caughtUp;
    return this.still ? strings.player.interrupted : strings.player.buffering;
  }
}

customElements.define("tollcast-player", TollcastPlayer);

declare global {
  interface HTMLElementTagNameMap {
    "tollcast-player": TollcastPlayer;
  }
}
