// Keeps a viewer of a live where the stream wants players to be.
import type Hls from "hls.js";

const LOOK_MS = 100;

/** Further behind, somebody went back on purpose, or watches what was missed. */
const ON_PURPOSE_S = 6;

/** No faster than a listener can fail to notice; a little more where much is to be made up for. */
const GENTLE = 1.05;
const BRISK = 1.1;
const BRISK_FROM_S = 0.3;

/**
 * hls.js 1.7.4 sometimes finds no next part at the end of a segment: what is buffered ends a
 * microsecond before the next one begins. It goes on when it is asked for a place beyond.
 */
const STUCK_MS = 400;
/** More of the stream is there than is buffered, in seconds: it is not the network that is slow. */
const STUCK_BEHIND_S = 0.3;
const STEP_S = 0.05;
const HOLE_MOST_S = 2;

/** When to begin and when to stop, in seconds late and in seconds of media that are there. */
interface Limits {
  begin: { late: number; ahead: number };
  stop: { late: number; ahead: number };
}
const withParts: Limits = { begin: { late: 0.08, ahead: 0.3 }, stop: { late: 0.02, ahead: 0.2 } };
const withSegments: Limits = { begin: { late: 1, ahead: 3 }, stop: { late: 0.2, ahead: 2 } };

/**
 * hls.js does this only with more than a second buffered, which a player that is half a second
 * behind never has: it would stay as late as it began.
 */
export class CatchUp {
  private readonly timer: number;
  private rate = 1;
  private dryMs = 0;

  constructor(
    private readonly hls: Hls,
    private readonly video: HTMLVideoElement,
  ) {
    this.timer = window.setInterval(() => this.look(), LOOK_MS);
  }

  stop(): void {
    window.clearInterval(this.timer);
    this.play(1);
  }

  private look(): void {
    const { hls, video } = this;
    const details = hls.latestLevelDetails;
    if (details === null || !details.live || video.paused || video.seeking) return this.play(1);
    this.step(details.edge);
    const late = hls.latency - (hls.targetLatency ?? hls.latency);
    const { begin, stop } = details.partTarget > 0 ? withParts : withSegments;
    const from = this.rate > 1 ? stop : begin;
    const wanted = late > from.late && late < ON_PURPOSE_S && this.ahead > from.ahead;
    this.play(wanted ? (late > BRISK_FROM_S ? BRISK : GENTLE) : 1);
  }

  /** Steps over a hole, or once for each stall over the end of what is buffered. */
  private step(edge: number): void {
    const { video, end, island } = this;
    const before = this.dryMs;
    this.dryMs = video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA ? before + LOOK_MS : 0;
    if (this.dryMs < STUCK_MS) return;
    if (island !== null) video.currentTime = island + STEP_S;
    else if (before < STUCK_MS && edge - end > STUCK_BEHIND_S) video.currentTime = end + STEP_S;
  }

  /** Where what is buffered goes on after a hole, such as a publisher leaves that drops. */
  private get island(): number | null {
    const { buffered, currentTime } = this.video;
    for (let index = 0; index < buffered.length; index += 1) {
      const start = buffered.start(index);
      if (start > currentTime && start - currentTime < HOLE_MOST_S) return start;
    }
    return null;
  }

  private get end(): number {
    const { buffered, currentTime } = this.video;
    return buffered.length === 0 ? currentTime : buffered.end(buffered.length - 1);
  }

  private get ahead(): number {
    return this.end - this.video.currentTime;
  }

  private play(rate: number): void {
    if (rate === this.rate) return;
    this.rate = rate;
    this.video.playbackRate = rate;
  }
}
