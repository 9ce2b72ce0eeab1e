// Repeats a piece of work while somebody is looking at the page.

/**
 * Runs `work`, waits `intervalMs` after it ended, and runs it again. A hidden page does not poll;
 * it is brought up to date at once when it is shown again. `work` handles its own failures.
 */
export class Poller {
  private timer: number | undefined;
  private running = false;
  private stopped = true;

  constructor(
    private readonly intervalMs: number,
    private readonly work: () => Promise<void>,
  ) {}

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    document.addEventListener("visibilitychange", this.seen);
    void this.turn();
  }

  stop(): void {
    this.stopped = true;
    window.clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.seen);
  }

  private readonly seen = (): void => {
    window.clearTimeout(this.timer);
    if (!document.hidden) void this.turn();
  };

  private async turn(): Promise<void> {
    if (this.running || this.stopped || document.hidden) return;
    this.running = true;
    try {
      await this.work();
    } finally {
      this.running = false;
      if (!this.stopped) this.timer = window.setTimeout(() => void this.turn(), this.intervalMs);
    }
  }
}
