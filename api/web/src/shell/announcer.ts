// Tells screen readers about changing amounts, seldom enough to be listened to.
import { element } from "./element";

/** An amount changes each second; being told twice a minute is enough to keep an eye on it. */
const QUIET_MS = 30_000;

export class Announcer {
  readonly region = element("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  private saidAt = -Infinity;

  /** Says `text` unless something was said a short while ago; `nowMs` is any steady clock. */
  offer(text: string, nowMs: number): void {
    if (nowMs - this.saidAt < QUIET_MS) return;
    this.saidAt = nowMs;
    this.region.textContent = text;
  }

  /** Says `text` in any case: for what the reader waits for. */
  say(text: string): void {
    this.region.textContent = text;
  }
}
