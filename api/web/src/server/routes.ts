// The server's routes as functions, one for each.
import { request, requestFile } from "./http";
import type {
  Balance,
  Content,
  Deposit,
  DepositAddress,
  Earnings,
  Guest,
  HistoryPage,
  NewOffer,
  NewSource,
  Pass,
  PassOffer,
  Plan,
  Receipt,
  SessionStatus,
  Share,
  Source,
  SourceSettings,
  Splits,
  StartedSession,
  StreamKey,
  SubscriptionState,
  System,
  Withdrawal,
} from "./types";

const at = (path: string): string => `/api/v1/${path}`;
const part = encodeURIComponent;

export const EARNINGS_EVENTS = at("earnings/events");
export const SOURCES_EVENTS = at("sources/events");
export const CONTENT_EVENTS = at("content/events");
/** A tus 1.0 endpoint: what is sent here becomes content. */
export const UPLOADS = at("uploads");

export const readSystem = () => request<System>("GET", at("system"));

export const listContent = async (): Promise<Content[]> =>
  (await request<{ items: Content[] }>("GET", at("content"))).items;

/** All that may be watched, with this creator's own that cannot be watched yet or ever. */
export const listOwnContent = async (token: string): Promise<Content[]> =>
  (await request<{ items: Content[] }>("GET", at("content?owner=me"), { token })).items;

/** Ends whatever is being done with it and takes it away, with all its files. */
export const deleteContent = (token: string, id: string) =>
  request<void>("DELETE", at(`content/${part(id)}`), { token });

/** A lower price holds at once; a higher one is asked of those who watch. */
export const changePrice = (token: string, id: string, offer: NewOffer) =>
  request<Content>("PATCH", at(`content/${part(id)}`), { token, body: offer });

/** What is offered for a content, and the pass that the account has for it. */
export const readPasses = (token: string, id: string) =>
  request<{ items: PassOffer[]; held: Pass | null }>("GET", at(`content/${part(id)}/passes`), { token });

/** Takes its price from the balance; `key` names this wish. */
export const buyPass = (token: string, id: string, { hours, amount }: PassOffer, key: string) =>
  request<Pass>("POST", at(`content/${part(id)}/passes`), { token, key, body: { hours, amount } });

/** Those that end last first. */
export const listPasses = async (token: string): Promise<Pass[]> =>
  (await request<{ items: Pass[] }>("GET", at("passes"), { token })).items;

/** A part of it, as content of its own; it is cut where segments begin and end. */
export const createClip = (
  token: string,
  id: string,
  clip: { startSeconds: number; endSeconds: number; title: string },
) => request<Content>("POST", at(`content/${part(id)}/clips`), { token, body: clip });

/** WebVTT or SubRip, in place of what there is of this language. */
export const putCaptions = (
  token: string,
  id: string,
  language: string,
  file: Blob,
  { label, byDefault }: { label: string; byDefault: boolean },
) => {
  const query = new URLSearchParams({ label, default: String(byDefault) });
  return request<void>("PUT", at(`content/${part(id)}/captions/${part(language)}?${query}`), { token, file });
};

export const deleteCaptions = (token: string, id: string, key: string) =>
  request<void>("DELETE", at(`content/${part(id)}/captions/${part(key)}`), { token });

/** Where a browser can download it as one MP4 file, for a while, without more proof than the address. */
export const createDownload = (token: string, id: string) =>
  request<{ url: string; expiresAt: string }>("POST", at(`content/${part(id)}/download-links`), { token, body: {} });

export const readContent = (id: string) => request<Content>("GET", at(`content/${part(id)}`));

export const createGuest = () => request<Guest>("POST", at("guests"), { body: {} });

export const fundGuest = (token: string) =>
  request<{ balance: string; asset: string }>("POST", at("sandbox/fund"), { token, body: {} });

export const listPlans = async (): Promise<Plan[]> =>
  (await request<{ items: Plan[] }>("GET", at("subscriptions/plans"))).items;

export const readSubscription = (token: string) =>
  request<SubscriptionState>("GET", at("subscriptions"), { token });

/** `key` names this wish: it is fulfilled once. */
export const subscribe = (token: string, plan: string, key: string) =>
  request<SubscriptionState>("POST", at("subscriptions"), { token, key, body: { plan } });

/** What follows the month under way; null for nothing. */
export const changeSubscription = (token: string, nextPlan: string | null) =>
  request<SubscriptionState>("PATCH", at("subscriptions/current"), { token, body: { nextPlan } });

export const readBalance = (token: string) =>
  request<Balance>("GET", at("payments/balance"), { token });

/** Where this account pays in: an address, or an address and a memo, of its own. */
export const readDepositAddress = (token: string) => request<DepositAddress>("GET", at("payments/deposit"), { token });

/** The same as a QR code, an SVG image. */
export const readDepositCode = (token: string, asset: string) =>
  requestFile(at(`payments/deposit/qr.svg?asset=${part(asset)}`), token);

/** What came in, the newest first. */
export const listDeposits = async (token: string): Promise<Deposit[]> =>
  (await request<{ items: Deposit[] }>("GET", at("payments/deposits"), { token })).items;

/** Sets the money aside at once; `key` names this wish. */
export const withdraw = (
  token: string,
  body: { amount: string; address: string; asset: string; memo?: string },
  key: string,
) => request<Withdrawal>("POST", at("payments/withdraw"), { token, key, body });

/** The newest first. */
export const listWithdrawals = async (token: string): Promise<Withdrawal[]> =>
  (await request<{ items: Withdrawal[] }>("GET", at("payments/withdrawals"), { token })).items;

/** `takeOver` ends the account's oldest session where it has as many as it may; `key` names this wish. */
export const startSession = (token: string, contentId: string, key: string, takeOver = false) =>
  request<StartedSession>("POST", at("streaming/start"), {
    token,
    key,
    body: takeOver ? { contentId, replace: "oldest" } : { contentId },
  });

export const listSessions = async (token: string): Promise<SessionStatus[]> =>
  (await request<{ items: SessionStatus[] }>("GET", at("streaming/sessions"), { token })).items;

export const sessionEvents = (sessionId: string): string => at(`streaming/sessions/${part(sessionId)}/events`);

/** The newest first; `cursor` is the `next` of the page before. */
export const readHistory = (token: string, cursor: string | null) =>
  request<HistoryPage>("GET", at(`payments/history${cursor === null ? "" : `?cursor=${part(cursor)}`}`), { token });

/** From the beginning of one day up to, not including, the beginning of another. */
export const readStatement = (token: string, from: string, to: string, format: "csv" | "json") =>
  requestFile(at(`payments/statements?${new URLSearchParams({ from, to, format })}`), token);

/** Goes on at a higher price; `epoch` names it. */
export const agreeToPrice = (token: string, sessionId: string, epoch: string) =>
  request<SessionStatus>("POST", at("streaming/consent"), { token, body: { sessionId, epoch } });

export const readSession = (token: string, sessionId: string) =>
  request<SessionStatus>("GET", at(`streaming/sessions/${part(sessionId)}`), { token });

/** Idempotent; with `keepalive` it is delivered although the page is going away. */
export const stopSession = (token: string, sessionId: string, keepalive = false) =>
  request<Receipt>("POST", at("streaming/stop"), { token, body: { sessionId }, keepalive });

/** A closed session's receipt, byte for byte as it was signed. */
export const readReceipt = (token: string, sessionId: string) =>
  requestFile(at(`streaming/sessions/${part(sessionId)}/receipt`), token);

/** The public keys that this server signs with. */
export const readKeySet = () => request<{ keys: { x?: string }[] }>("GET", "/.well-known/jwks.json");

export const listSources = async (token: string): Promise<Source[]> =>
  (await request<{ items: Source[] }>("GET", at("sources"), { token })).items;

export const createSource = (token: string, source: NewSource) =>
  request<{ source: Source; streamKey: string }>("POST", at("sources"), { token, body: source });

export const changeSource = (token: string, sourceId: string, body: SourceSettings) =>
  request<Source>("PATCH", at(`sources/${part(sourceId)}`), { token, body });

export const readSplits = (token: string, sourceId: string) =>
  request<Splits>("GET", at(`sources/${part(sourceId)}/splits`), { token });

/** For sessions that begin from now on. */
export const putSplits = (token: string, sourceId: string, splits: readonly Share[]) =>
  request<Splits>("PUT", at(`sources/${part(sourceId)}/splits`), { token, body: { splits } });

/** A new key in place of the others, which work for so many seconds more. */
export const regenerateKey = (token: string, sourceId: string, graceSeconds: number) =>
  request<{ streamKey: string }>("POST", at(`sources/${part(sourceId)}/regenerate-key`), {
    token,
    body: { graceSeconds },
  });

export const listKeys = async (token: string, sourceId: string): Promise<StreamKey[]> =>
  (await request<{ items: StreamKey[] }>("GET", at(`sources/${part(sourceId)}/keys`), { token })).items;

/** One more key beside the others; without `expiresInSeconds` it works until it is revoked. */
export const addKey = (token: string, sourceId: string, key: { label: string; expiresInSeconds?: number }) =>
  request<{ key: StreamKey; streamKey: string }>("POST", at(`sources/${part(sourceId)}/keys`), { token, body: key });

export const revokeKey = (token: string, sourceId: string, keyId: string) =>
  request<void>("DELETE", at(`sources/${part(sourceId)}/keys/${part(keyId)}`), { token });

/** OBS's own configuration for sending all qualities itself. */
export const readObsMultitrack = (token: string, sourceId: string) =>
  request<unknown>("GET", at(`sources/${part(sourceId)}/obs-multitrack.json`), { token });

export const readEarnings = (token: string) => request<Earnings>("GET", at("earnings"), { token });
