// Plays one HLS address on a video element: by hls.js, or by the browser itself where hls.js cannot run.
import Hls, { Events, ErrorTypes, type ErrorData, type MediaPlaylist } from "hls.js";

import { readStored, writeStored } from "../shell/stored";
import { CatchUp } from "./catch-up";
import { aheadSeconds, hlsSettings } from "./hls-settings";
import type { Track } from "./track-menu";

export interface Level {
  index: number;
  name: string;
  height: number;
  bitrate: number;
}

export type Trouble = "none" | "reconnecting" | "recovering";

/** What to play. */
export interface Stream {
  url: string;
  /** Seconds of the stream; -1 is the live edge, or the beginning when on demand. */
  startPosition: number;
  /** An upload: it has a beginning to start at, even while more of it is still being made. */
  recorded: boolean;
}

/** What the engine tells its player. */
export interface EngineListener {
  levelsChanged(): void;
  /** There are other sound or caption tracks to choose from, or another one is chosen. */
  tracksChanged(): void;
  /** A live has ended, or a recording is complete. */
  openChanged(): void;
  troubleChanged(trouble: Trouble): void;
  /** The server refused with 401, 402, 403 or 410; nothing more is loaded. */
  refused(status: number): void;
  /** Every attempt to go on failed. */
  failed(reason: string): void;
}

/** Refusals that no retry can change. */
const refusals: ReadonlySet<number> = new Set([401, 402, 403, 410]);

/** Network attempts after hls.js has given up its own: with the waits below, over a minute. */
const NETWORK_TRIES = 10;
const NETWORK_WAIT_MS = [500, 1000, 2000, 4000, 8000];

/** More repairs of the decoder than this within the time below mean that the media is broken. */
const MEDIA_TRIES = 3;
const MEDIA_TRIES_WITHIN_MS = 15_000;

/** A live playlist that has not grown for so many target durations has lost its publisher. */
const SIGNAL_LOST_TARGETS = 2.5;

/** A live whose window is shorter has no seek bar: there is nothing to go back to. */
const SEEK_WINDOW_LEAST_S = 20;

/** Stored where a language would be. */
const NO_CAPTIONS = "none";

function trackOf({ name, lang }: MediaPlaylist, index: number): Track {
  return { index, name, language: lang ?? "" };
}

export class Engine {
  private readonly hls: Hls | null;
  private networkTries = 0;
  private mediaTries: number[] = [];
  private timer: number | undefined;
  private isOpen = false;
  /** Where uninterrupted watching began, in seconds of the stream. */
  private watchedFrom: number | null = null;
  private readonly catchUp: CatchUp | null;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly stream: Stream,
    private readonly listener: EngineListener,
  ) {
    const { startPosition, recorded } = stream;
    this.hls = Hls.isSupported() ? new Hls(hlsSettings(startPosition, recorded)) : null;
    this.catchUp = this.hls === null || recorded ? null : new CatchUp(this.hls, video);
    if (this.hls === null) video.src = stream.url;
    else this.listen(this.hls);
    video.addEventListener("seeking", this.forgetWatched);
    video.addEventListener("timeupdate", this.growBuffer);
  }

  static canPlay(video: HTMLVideoElement): boolean {
    return Hls.isSupported() || video.canPlayType("application/vnd.apple.mpegurl") !== "";
  }

  get live(): boolean {
    return !this.stream.recorded && this.open;
  }

  /** Whether this is a recording whose end is still to come. */
  get growing(): boolean {
    return this.stream.recorded && this.open;
  }

  /** Whether the playlist is still to be continued. */
  private get open(): boolean {
    return this.hls === null ? this.video.duration === Infinity : this.isOpen;
  }

  get levels(): Level[] {
    const levels = this.hls?.levels ?? [];
    return levels.map(({ name, height, bitrate }, index) => ({ index, name: name ?? "", height, bitrate }));
  }

  /** Index of the level on screen, -1 before the first. */
  get currentLevel(): number {
    return this.hls?.currentLevel ?? -1;
  }

  get automatic(): boolean {
    return this.hls?.autoLevelEnabled ?? true;
  }

  /** Chooses a level by index, or by -1 leaves the choice to the bandwidth. */
  choose(level: number): void {
    if (this.hls !== null) this.hls.nextLevel = level;
  }

  get soundTracks(): Track[] {
    return (this.hls?.audioTracks ?? []).map(trackOf);
  }

  get soundTrack(): number {
    return this.hls?.audioTrack ?? -1;
  }

  /** Chooses a sound track by index, for what is watched next as well. */
  chooseSound(index: number): void {
    if (this.hls === null) return;
    this.hls.audioTrack = index;
    writeStored("sound", this.hls.audioTracks[index]?.lang ?? "");
  }

  get captionTracks(): Track[] {
    return (this.hls?.subtitleTracks ?? []).map(trackOf);
  }

  /** -1: no captions are shown. */
  get captionTrack(): number {
    return this.hls?.subtitleTrack ?? -1;
  }

  /** Chooses captions by index or by -1 none, for what is watched next as well. */
  chooseCaptions(index: number): void {
    if (this.hls === null) return;
    this.hls.subtitleTrack = index;
    writeStored("captions", index < 0 ? NO_CAPTIONS : (this.hls.subtitleTracks[index]?.lang ?? ""));
  }

  /** What a live can be seeked in, in seconds of the stream; null when that is not worth a bar. */
  get seekWindow(): { start: number; end: number } | null {
    const { seekable } = this.video;
    const end = this.liveEdge;
    if (!this.live || seekable.length === 0 || end === null) return null;
    const start = seekable.start(0);
    return end - start < SEEK_WINDOW_LEAST_S ? null : { start, end };
  }

  /** Seconds behind the live edge; null when unknown. */
  get latency(): number | null {
    if (!this.live || this.hls === null || this.hls.liveSyncPosition === null) return null;
    return this.hls.latency;
  }

  get liveEdge(): number | null {
    if (!this.live) return null;
    if (this.hls !== null) return this.hls.liveSyncPosition;
    const { seekable } = this.video;
    return seekable.length > 0 ? seekable.end(seekable.length - 1) : null;
  }

  get signalLost(): boolean {
    const details = this.hls?.latestLevelDetails;
    if (!this.live || details === null || details === undefined) return false;
    return details.age > details.targetduration * SIGNAL_LOST_TARGETS;
  }

  /** Asks for nothing more, and gives up what is under way; what is buffered stays. */
  hold(): void {
    // Another attempt may be due.
    window.clearTimeout(this.timer);
    this.hls?.stopLoad();
  }

  /** Goes on loading after a hold, or after a refusal whose cause is gone; what is buffered stays. */
  resume(): void {
    if (this.hls?.levels.length === 0) this.hls.loadSource(this.stream.url);
    else this.hls?.startLoad();
  }

  destroy(): void {
    window.clearTimeout(this.timer);
    this.catchUp?.stop();
    this.video.removeEventListener("seeking", this.forgetWatched);
    this.video.removeEventListener("timeupdate", this.growBuffer);
    if (this.hls !== null) this.hls.destroy();
    else {
      this.video.removeAttribute("src");
      this.video.load();
    }
  }

  private readonly forgetWatched = (): void => {
    this.watchedFrom = null;
  };

  private readonly growBuffer = (): void => {
    if (this.hls === null || this.video.seeking) return;
    this.watchedFrom ??= this.video.currentTime;
    this.hls.config.maxBufferLength = aheadSeconds(this.video.currentTime - this.watchedFrom);
  };

  private listen(hls: Hls): void {
    hls.on(Events.MANIFEST_PARSED, () => this.listener.levelsChanged());
    hls.on(Events.LEVELS_UPDATED, () => this.listener.levelsChanged());
    hls.on(Events.LEVEL_SWITCHED, () => this.listener.levelsChanged());
    hls.on(Events.AUDIO_TRACKS_UPDATED, () => this.preferSound(hls));
    hls.on(Events.SUBTITLE_TRACKS_UPDATED, () => this.preferCaptions(hls));
    hls.on(Events.AUDIO_TRACK_SWITCHED, () => this.listener.tracksChanged());
    hls.on(Events.SUBTITLE_TRACK_SWITCH, () => this.listener.tracksChanged());
    hls.on(Events.LEVEL_UPDATED, (_event, { details }) => this.noteOpen(details.live));
    hls.on(Events.FRAG_BUFFERED, () => {
      this.networkTries = 0;
      this.listener.troubleChanged("none");
    });
    hls.on(Events.ERROR, (_event, data) => this.onError(hls, data));
    hls.loadSource(this.stream.url);
    hls.attachMedia(this.video);
  }

  private preferSound(hls: Hls): void {
    const language = readStored("sound") ?? "";
    const wanted = hls.audioTracks.findIndex(({ lang }) => lang !== undefined && lang === language);
    if (wanted >= 0 && wanted !== hls.audioTrack) hls.audioTrack = wanted;
    this.listener.tracksChanged();
  }

  private preferCaptions(hls: Hls): void {
    const language = readStored("captions");
    if (language !== null) {
      hls.subtitleTrack = hls.subtitleTracks.findIndex(({ lang }) => lang !== undefined && lang === language);
    }
    this.listener.tracksChanged();
  }

  private noteOpen(open: boolean): void {
    if (open === this.isOpen) return;
    this.isOpen = open;
    this.listener.openChanged();
  }

  private onError(hls: Hls, data: ErrorData): void {
    const status = data.response?.code ?? 0;
    if (refusals.has(status)) {
      this.hold();
      this.listener.refused(status);
    } else if (data.fatal) {
      if (data.type === ErrorTypes.NETWORK_ERROR) this.reconnect(data);
      else if (data.type === ErrorTypes.MEDIA_ERROR) this.recover(hls, data);
      else this.giveUp(data);
    }
  }

  private reconnect(data: ErrorData): void {
    if (this.networkTries >= NETWORK_TRIES) return this.giveUp(data);
    const wait = NETWORK_WAIT_MS[Math.min(this.networkTries, NETWORK_WAIT_MS.length - 1)];
    this.networkTries += 1;
    this.listener.troubleChanged("reconnecting");
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.resume(), wait);
  }

  private recover(hls: Hls, data: ErrorData): void {
    const now = performance.now();
    this.mediaTries = this.mediaTries.filter((at) => now - at < MEDIA_TRIES_WITHIN_MS);
    if (this.mediaTries.length >= MEDIA_TRIES) return this.giveUp(data);
    this.mediaTries.push(now);
    this.listener.troubleChanged("recovering");
    hls.recoverMediaError();
  }

  private giveUp(data: ErrorData): void {
    this.hold();
    this.listener.failed(data.details);
  }
}
