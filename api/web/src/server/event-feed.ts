// A value as it changes: a stream of the server's events, or polling while there is none.
//
// A page that nobody sees reads nothing: over HTTP/1.1 a browser has six connections to a server for
// all of its tabs, and a few studios in the background would keep all others waiting.
import { Problem, fetchAs, problemOf } from "./http";
import { EventStreamParser } from "./event-stream";

export type FeedState = "live" | "polling" | "lost";

export interface FeedSource<Value> {
  /** Where the events come from, and what those that hold the value are called. */
  path: string;
  event: string;
  /** Asks for the value of now, while there are no events. */
  read: () => Promise<Value>;
}

export interface FeedListener<Value> {
  changed(value: Value): void;
  stateChanged(state: FeedState): void;
  /** The token is not valid, or there is no such thing; the feed has ended. */
  refused(): void;
}

/** Without the stream, the value is asked for this often, and the stream is tried again. */
const POLL_MS = 3000;
/** What says that the token is not valid. Without events there may still be the value. */
const STRANGER = [401, 403];
/** The server says something every few seconds: this long a silence is a dead connection. */
const SILENCE_MS = 15_000;

export class EventFeed<Value> {
  private ended = false;
  private connection: AbortController | null = null;

  constructor(
    private readonly token: string,
    private readonly source: FeedSource<Value>,
    private readonly listener: FeedListener<Value>,
  ) {}

  async run(): Promise<void> {
    for (;;) {
      await pageIsShown();
      if (this.ended) return;
      try {
        await this.stream();
      } catch (error) {
        if (this.refused(error, STRANGER)) return;
      }
      if (this.ended) return;
      if (document.hidden) continue;
      try {
        this.listener.changed(await this.source.read());
        this.listener.stateChanged("polling");
      } catch (error) {
        if (this.refused(error, [...STRANGER, 404])) return;
        this.listener.stateChanged("lost");
      }
      await new Promise((resolve) => window.setTimeout(resolve, POLL_MS));
    }
  }

  stop(): void {
    this.ended = true;
    this.connection?.abort();
  }

  private refused(error: unknown, statuses: readonly number[]): boolean {
    if (!(error instanceof Problem) || !statuses.includes(error.status)) return false;
    this.ended = true;
    this.listener.refused();
    return true;
  }

  /** Reads events until the connection ends, for whatever reason. */
  private async stream(): Promise<void> {
    const connection = new AbortController();
    this.connection = connection;
    const pause = (): void => {
      if (document.hidden) connection.abort();
    };
    document.addEventListener("visibilitychange", pause);
    try {
      await this.read(connection);
    } finally {
      document.removeEventListener("visibilitychange", pause);
    }
  }

  private async read(connection: AbortController): Promise<void> {
    const { path, event } = this.source;
    const response = await fetchAs(this.token, path, {
      headers: { Accept: "text/event-stream" },
      signal: connection.signal,
    });
    if (!response.ok || response.body === null) throw await problemOf(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventStreamParser();
    const giveUp = (): void => connection.abort();
    let silence = window.setTimeout(giveUp, SILENCE_MS);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        window.clearTimeout(silence);
        silence = window.setTimeout(giveUp, SILENCE_MS);
        for (const { name, data } of parser.push(value)) {
          if (name === event) this.listener.changed(JSON.parse(data) as Value);
          this.listener.stateChanged("live");
        }
      }
    } finally {
      window.clearTimeout(silence);
    }
  }
}

function pageIsShown(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const look = (): void => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
  });
}
