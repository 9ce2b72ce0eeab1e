// Earnings as they happen: a stream of events, or polling while there is none.
import { EARNINGS_EVENTS, readEarnings } from "../server/routes";
import { Problem, problemOf } from "../server/http";
import type { Earnings } from "../server/types";
import { EventStreamParser } from "./event-stream";

export type FeedState = "live" | "polling" | "lost";

export interface FeedListener {
  earnings(earnings: Earnings): void;
  stateChanged(state: FeedState): void;
  /** The token is not valid; the feed has ended. */
  refused(): void;
}

/** Without the stream, figures are asked for this often, and the stream is tried again. */
const POLL_MS = 3000;
/** The server sends one event each second: this long a silence is a dead connection. */
const SILENCE_MS = 15_000;

export class EarningsFeed {
  private ended = false;
  private connection: AbortController | null = null;

  constructor(
    private readonly token: string,
    private readonly listener: FeedListener,
  ) {}

  async run(): Promise<void> {
    while (!this.ended) {
      try {
        await this.stream();
      } catch (error) {
        if (this.refused(error)) return;
      }
      if (this.ended) return;
      try {
        this.listener.earnings(await readEarnings(this.token));
        this.listener.stateChanged("polling");
      } catch (error) {
        if (this.refused(error)) return;
        this.listener.stateChanged("lost");
      }
      await new Promise((resolve) => window.setTimeout(resolve, POLL_MS));
    }
  }

  stop(): void {
    this.ended = true;
    this.connection?.abort();
  }

  private refused(error: unknown): boolean {
    if (!(error instanceof Problem) || (error.status !== 401 && error.status !== 403)) return false;
    this.ended = true;
    this.listener.refused();
    return true;
  }

  /** Reads events until the connection ends, for whatever reason. */
  private async stream(): Promise<void> {
    const connection = new AbortController();
    this.connection = connection;
    const response = await fetch(EARNINGS_EVENTS, {
      headers: { Authorization: `Bearer ${this.token}`, Accept: "text/event-stream" },
      signal: connection.signal,
    });
    if (!response.ok || response.body === null) throw await problemOf(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventStreamParser();
    let silence = window.setTimeout(() => connection.abort(), SILENCE_MS);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        window.clearTimeout(silence);
        silence = window.setTimeout(() => connection.abort(), SILENCE_MS);
        for (const { name, data } of parser.push(value)) {
          if (name === "earnings") this.listener.earnings(JSON.parse(data) as Earnings);
          this.listener.stateChanged("live");
        }
      }
    } finally {
      window.clearTimeout(silence);
    }
  }
}
