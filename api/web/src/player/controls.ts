// The bar of controls under the picture.
import { strings } from "../strings";
import { clock } from "../shell/durations";
import { element, setText } from "../shell/element";
import { icon, setIcon, type IconName } from "../shell/icons";
import type { Level } from "./engine";
import { QualityMenu } from "./quality-menu";
import { CaptionsMenu, SoundMenu, type Track } from "./track-menu";
import { ScrubPreview } from "./scrub-preview";
import { Slider } from "./slider";

/** What the bar can ask of its player. */
export interface ControlTarget {
  togglePlay(): void;
  toggleMute(): void;
  setVolume(volume: number): void;
  seekTo(seconds: number): void;
  goLive(): void;
  choose(level: number): void;
  chooseSound(track: number): void;
  chooseCaptions(track: number): void;
  toggleFullscreen(): void;
  togglePicture(): void;
}

/** What the bar shows. */
export interface ControlState {
  paused: boolean;
  muted: boolean;
  volume: number;
  live: boolean;
  /** A recording that is still being made: it ends where the seek bar ends, for now. */
  growing: boolean;
  atEdge: boolean;
  latency: number | null;
  /** Of a live that can be seeked in: from where to where, in seconds of the stream. */
  seekWindow: { start: number; end: number } | null;
  soundTracks: Track[];
  soundTrack: number;
  captionTracks: Track[];
  captionTrack: number;
  position: number;
  duration: number;
  levels: Level[];
  currentLevel: number;
  automatic: boolean;
  fullscreen: boolean;
  pictureOffered: boolean;
}

const words = strings.player;

export class Controls {
  readonly root: HTMLElement;
  private readonly play: IconButton;
  private readonly mute: IconButton;
  private readonly screen: IconButton;
  private readonly picture: IconButton;
  private readonly volume: Slider;
  private readonly position: Slider;
  private readonly preview = new ScrubPreview();
  private readonly quality: QualityMenu;
  private readonly soundTrack: SoundMenu;
  private readonly captions: CaptionsMenu;
  /** Where the seek bar begins and, of a live, ends, in seconds of the stream. */
  private barStart = 0;
  private barEdge: number | null = null;
  private readonly edge: HTMLButtonElement;
  private readonly latency = element("span", { class: "control-text latency" });
  private readonly time = element("span", { class: "control-text" });

  constructor(target: ControlTarget) {
    this.play = new IconButton("play", () => target.togglePlay());
    this.mute = new IconButton("volume", () => target.toggleMute());
    this.screen = new IconButton("fullscreen", () => target.toggleFullscreen());
    this.picture = new IconButton("picture", () => target.togglePicture());
    this.picture.root.classList.add("picture-control");
    this.volume = new Slider({
      name: "volume",
      label: words.volume,
      step: 0.05,
      changed: (value) => target.setVolume(value),
    });
    this.position = new Slider({
      name: "position",
      label: words.seek,
      step: 0.1,
      changed: (value) => {
        this.showPlace(value);
        target.seekTo(this.barStart + value);
      },
      dragged: (value) => this.showPlace(value),
    });
    this.followPointer();
    this.quality = new QualityMenu((level) => target.choose(level));
    this.soundTrack = new SoundMenu((track) => target.chooseSound(track));
    this.captions = new CaptionsMenu((track) => target.chooseCaptions(track));
    this.edge = element(
      "button",
      { type: "button", class: "control go-live", onclick: () => target.goLive() },
      element("span", { class: "dot" }),
      strings.common.live,
    );
    this.root = element(
      "div",
      { class: "controls" },
      element("div", { class: "seek" }, this.preview.root, this.position.root),
      element(
        "div",
        { class: "controls-row" },
        this.play.root,
        element("div", { class: "volume" }, this.mute.root, this.volume.root),
        this.edge,
        this.latency,
        this.time,
        element("span", { class: "controls-space" }),
        this.captions.root,
        this.soundTrack.root,
        this.quality.root,
        this.picture.root,
        this.screen.root,
      ),
    );
  }

  /** True while hiding the bar would take something away from under the person's hand. */
  get busy(): boolean {
    const menus = [this.quality, this.soundTrack, this.captions];
    return menus.some(({ open }) => open) || this.root.querySelector(":focus-visible") !== null;
  }

  /** Takes the seek bar's little pictures from this address. */
  loadStoryboard(url: string | null): void {
    this.preview.load(url);
  }

  /** Shows for a moment where a key has led to. */
  peek(seconds: number): void {
    if (this.position.root.hidden) return;
    const value = seconds - this.barStart;
    this.preview.peek(seconds, this.placeWords(seconds), this.position.fractionOf(value));
  }

  private showPlace(value: number): void {
    const seconds = this.barStart + value;
    this.preview.show(seconds, this.placeWords(seconds), this.position.fractionOf(value));
  }

  /** A place of a live is so far behind its edge; of anything else, so far from its beginning. */
  private placeWords(seconds: number): string {
    return this.barEdge === null ? clock(seconds) : `−${clock(this.barEdge - seconds)}`;
  }

  private followPointer(): void {
    const bar = this.position.root;
    bar.addEventListener("pointermove", ({ clientX }) => this.showPlace(this.position.valueAt(clientX)));
    for (const end of ["pointerleave", "pointercancel", "blur"]) {
      bar.addEventListener(end, () => this.preview.hide());
    }
  }

  update(state: ControlState): void {
    this.play.update(state.paused ? "play" : "pause", state.paused ? words.play : words.pause);
    const silent = state.muted || state.volume === 0;
    this.mute.update(silent ? "muted" : "volume", silent ? words.unmute : words.mute);
    this.screen.update(
      state.fullscreen ? "shrink" : "fullscreen",
      state.fullscreen ? words.leaveFullscreen : words.fullscreen,
    );
    this.picture.update("picture", words.pictureInPicture);
    this.picture.root.hidden = !state.pictureOffered;
    const volume = silent ? 0 : state.volume;
    this.volume.update(volume, 1, `${Math.round(100 * volume)}%`);
    this.quality.showLevels(state.levels, state.currentLevel, state.automatic);
    this.soundTrack.showTracks(state.soundTracks, state.soundTrack);
    this.captions.showTracks(state.captionTracks, state.captionTrack);
    this.updateTime(state);
  }

  private updateTime(state: ControlState): void {
    const { live, atEdge, latency, duration } = state;
    const recorded = !live && Number.isFinite(duration) && duration > 0;
    this.position.root.hidden = !recorded && state.seekWindow === null;
    this.time.hidden = !recorded;
    this.edge.hidden = !live;
    this.latency.hidden = !live || latency === null;
    this.edge.dataset["edge"] = String(atEdge);
    const label = atEdge ? words.atLive : words.goLive;
    if (this.edge.title !== label) {
      this.edge.title = label;
      this.edge.setAttribute("aria-label", label);
    }
    if (latency !== null) setText(this.latency, words.latency(latency.toFixed(1)));
    if (recorded) this.showRecorded(state);
    else if (state.seekWindow !== null) this.showWindow(state.seekWindow, state.position);
  }

  private showRecorded({ growing, position, duration }: ControlState): void {
    const whole = growing ? words.soFar(clock(duration)) : clock(duration);
    this.barStart = 0;
    this.barEdge = null;
    this.position.update(position, duration, words.position(clock(position), whole));
    setText(this.time, `${clock(position)} / ${whole}`);
  }

  private showWindow({ start, end }: { start: number; end: number }, position: number): void {
    this.barStart = start;
    this.barEdge = end;
    const place = Math.min(end, Math.max(start, position));
    this.position.update(place - start, end - start, words.behindLive(clock(end - place)));
  }
}

class IconButton {
  readonly root: HTMLButtonElement;
  private readonly drawn: SVGSVGElement;

  constructor(name: IconName, pressed: () => void) {
    this.drawn = icon(name);
    this.root = element("button", { type: "button", class: "control", onclick: pressed }, this.drawn);
  }

  update(name: IconName, label: string): void {
    if (this.root.title === label) return;
    setIcon(this.drawn, name);
    this.root.title = label;
    this.root.setAttribute("aria-label", label);
  }
}
