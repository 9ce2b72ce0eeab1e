// What tests and curious people may read about the page, as `window.tollcast`.
import type { TollcastPlayer } from "../player/player";
import type { Level } from "../player/engine";

export interface Probe {
  readonly state: string;
  readonly sessionId: string | null;
  readonly levels: Level[];
  readonly currentLevel: number;
  readonly stalls: number;
  readonly live: boolean;
  readonly latency: number | null;
  readonly currentTime: number;
  readonly decodedFrames: number;
  readonly droppedFrames: number;
}

export interface Probed {
  readonly state: string;
  readonly sessionId: string | null;
}

export function expose(page: Probed, player: TollcastPlayer): void {
  const quality = (): VideoPlaybackQuality => player.video.getVideoPlaybackQuality();
  const probe: Probe = {
    get state() {
      return page.state;
    },
    get sessionId() {
      return page.sessionId;
    },
    get levels() {
      return player.levels;
    },
    get currentLevel() {
      return player.currentLevel;
    },
    get stalls() {
      return player.stalls;
    },
    get live() {
      return player.live;
    },
    get latency() {
      return player.latency;
    },
    get currentTime() {
      return player.video.currentTime;
    },
    get decodedFrames() {
      return quality().totalVideoFrames;
    },
    get droppedFrames() {
      return quality().droppedVideoFrames;
    },
  };
  Object.defineProperty(window, "tollcast", { value: Object.freeze(probe) });
}
