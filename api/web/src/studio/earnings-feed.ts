// Earnings as they happen.
import { EARNINGS_EVENTS, readEarnings } from "../server/routes";
import type { Earnings } from "../server/types";
import { EventFeed, type FeedListener } from "./event-feed";

/** The server sends one event each second. */
const SILENCE_MS = 15_000;

export function earningsFeed(token: string, listener: FeedListener<Earnings>): EventFeed<Earnings> {
  const read = (): Promise<Earnings> => readEarnings(token);
  return new EventFeed(token, { path: EARNINGS_EVENTS, event: "earnings", read, silenceMs: SILENCE_MS }, listener);
}
