// How fast a file is sent, and how long the rest will take.

/** Long enough that one slow moment does not make the figures jump, short enough to follow a change. */
const WINDOW_MS = 8000;
/** Before this much time has passed a figure would be a guess. */
const LEAST_MS = 1000;

interface Sample {
  atMs: number;
  sent: number;
}

export class Pace {
  private samples: Sample[] = [];

  /** Notes that `sent` bytes are away at a moment of any steady clock. */
  note(sent: number, atMs: number): void {
    this.samples.push({ atMs, sent });
    // One sample from before the window is its starting point.
    while ((this.samples[1]?.atMs ?? atMs) < atMs - WINDOW_MS) this.samples.shift();
  }

  /** Nothing is sent for a while: what comes after it says nothing about what came before. */
  forget(): void {
    this.samples = [];
  }

  /** Bytes a second; null when it cannot be said yet. */
  get speed(): number | null {
    const first = this.samples[0];
    const last = this.samples[this.samples.length - 1];
    if (first === undefined || last === undefined || last.atMs - first.atMs < LEAST_MS) return null;
    return (1000 * Math.max(0, last.sent - first.sent)) / (last.atMs - first.atMs);
  }

  /** Seconds until `rest` bytes more are away; null when it cannot be said. */
  secondsFor(rest: number): number | null {
    const { speed } = this;
    return speed === null || speed < 1 ? null : Math.ceil(rest / speed);
  }
}
