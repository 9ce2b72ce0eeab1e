// A creator's own uploads as they change.
import { CONTENT_EVENTS, listOwnContent } from "../server/routes";
import type { Content } from "../server/types";
import { EventFeed, type FeedListener } from "../server/event-feed";

interface Items {
  items: Content[];
}

export function contentFeed(token: string, listener: FeedListener<Items>): EventFeed<Items> {
  const read = async (): Promise<Items> => ({ items: await listOwnContent(token) });
  return new EventFeed(token, { path: CONTENT_EVENTS, event: "content", read }, listener);
}
