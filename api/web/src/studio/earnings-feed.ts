// Earnings as they happen.
import { EARNINGS_EVENTS, readEarnings } from "../server/routes";
import type { Earnings } from "../server/types";
import { EventFeed, type FeedListener } from "../server/event-feed";

export function earningsFeed(token: string, listener: FeedListener<Earnings>): EventFeed<Earnings> {
  const read = (): Promise<Earnings> => readEarnings(token);
  return new EventFeed(token, { path: EARNINGS_EVENTS, event: "earnings", read }, listener);
}
