// A creator's sources as they change.
import { listSources, SOURCES_EVENTS } from "../server/routes";
import type { Source } from "../server/types";
import { EventFeed, type FeedListener } from "../server/event-feed";

interface Items {
  items: Source[];
}

export function sourcesFeed(token: string, listener: FeedListener<Items>): EventFeed<Items> {
  const read = async (): Promise<Items> => ({ items: await listSources(token) });
  return new EventFeed(token, { path: SOURCES_EVENTS, event: "sources", read }, listener);
}
