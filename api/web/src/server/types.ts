// The shapes of the HTTP interface. Amounts are decimal strings with seven places.

import type { Basis, PriceExtras } from "../studio/price-more";

/** An account as its owner sees it. */
export interface User {
  id: string;
  kind: "guest" | "creator";
  username: string;
  payoutAddress: string | null;
  createdAt: string;
}

/** What is given to who signed in. */
export interface Granted {
  accessToken: string;
  refreshToken: string;
  /** Seconds until the access token is over. */
  expiresIn: number;
  user: User;
}

export interface Wallet {
  /** G..., M..., or G...:memo. */
  subject: string;
  /** Whether payouts may go there: a shared account is nobody's own. */
  payable: boolean;
  linkedAt: string;
}

export interface Profile extends User {
  email: string | null;
  wallets: Wallet[];
}

export interface SignIn {
  id: string;
  subject: string;
  clientDomain: string | null;
  device: string;
  beganAt: string;
  usedAt: string;
  expiresAt: string;
  current: boolean;
}

export const scopes = ["read", "stream", "payments", "sources", "content"] as const;
export type Scope = (typeof scopes)[number];

export interface ApiKey {
  id: string;
  label: string;
  scopes: Scope[];
  /** The last letters of the secret. */
  hint: string;
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
}

export interface Price {
  stroops: string;
  seconds: number;
  asset: string;
  perSecond: string;
  perHour: string;
  /** Names this price among all others. */
  epoch: string;
  /** Due once, with the first second that is not free. */
  perView: string;
  freeSeconds: number;
  /** What it costs at most; null without end. */
  sessionCap: string | null;
  dayCap: string | null;
  /** What better pictures cost on top, the lowest first. */
  rungs: { heightMin: number; stroops: string; seconds: number; perSecond: string; perHour: string }[];
}

/** What can be bought once, in place of paying by the second. */
export interface PassOffer {
  hours: number;
  stroops: string;
  amount: string;
  asset: string;
}

/** A pass that somebody bought. */
export interface Pass {
  passId: string;
  contentId: string;
  /** Null when the content is gone. */
  title: string | null;
  hours: number;
  asset: string;
  amount: string;
  began: string;
  ends: string;
  good: boolean;
}

/** A higher price, at which a session goes on if its viewer agrees. */
export interface PriceChange {
  price: Price;
  epoch: string;
  effectiveAt: string;
  agreed: boolean;
}

/** Who shares what a source earns; nobody but its owner when there are none. */
export interface Splits {
  splits: Share[];
  owner: string;
  /** What the platform has before. */
  platformFeeBasisPoints: number;
}

/** Basis points are hundredths of a percent; all together are 10,000. */
export interface Share {
  account: string;
  basisPoints: number;
}

export type ContentKind = "live" | "upload" | "clip";
export type ContentState = "waiting" | "live" | "processing" | "on_demand" | "failed";

/** The work that makes an upload watchable, as the queue has it. */
export interface Job {
  id: string;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  /** How many are before it; null when it does not wait. */
  queuePosition: number | null;
  attempt: number;
}

export interface RenditionStatus {
  name: string;
  state: "queued" | "running" | "ready";
  /** From 0 to 1. */
  progress: number;
}

/** How far an upload has come; told to its owner only. */
export interface ContentStatus {
  id: string;
  state: ContentState;
  playable: boolean;
  job: Job | null;
  renditions: RenditionStatus[];
  error: { code: string; detail: string } | null;
}

export interface Captions {
  /** Which of them: a film may have several sets in one language. */
  key: string;
  /** BCP 47; "und" when unknown. */
  language: string;
  label: string;
  default: boolean;
  forced: boolean;
}

export interface Content {
  id: string;
  title: string;
  kind: ContentKind;
  state: ContentState;
  /** An upload can be watched before it is wholly made. */
  playable: boolean;
  creator: string;
  price: Price;
  passes: PassOffer[];
  /** Nothing of a source that has never been live. */
  startedAt?: string | null;
  endedAt?: string | null;
  durationSeconds?: number | null;
  watchUrl: string;
  viewers: number;
  posterUrl: string | null;
  storyboardUrl: string | null;
  /** The publisher of a live has gone, and is waited for. */
  interrupted: boolean;
  captions: Captions[];
  /** The id of what this is a clip of. */
  clipOf: string | null;
  status?: ContentStatus;
}

export interface System {
  version: string;
  playMoney: boolean;
  rtmpUrl: string;
  network: string;
}

export interface Guest {
  accountId: string;
  token: string;
  balance: string;
  asset: string;
}

/** What can be subscribed to. */
export interface Plan {
  name: string;
  fee: string;
  asset: string;
  includedSeconds: number;
  sessionsAtOnce: number;
}

/** `nextPlan` is null where the subscription ends with the month under way. */
export interface Subscription {
  id: string;
  state: "trial" | "active" | "grace" | "ended";
  plan: Plan;
  nextPlan: Plan | null;
  began: string;
  ends: string;
  secondsUsed: number;
  endReason: string | null;
}

export interface SubscriptionState {
  subscription: Subscription | null;
  trialDays: number;
  notices: { kind: string; month: number; at: string }[];
}

export interface Balance {
  balance: string;
  held: string;
  asset: string;
  playMoney: boolean;
  accounts: AssetBalance[];
}

/** What an account has in one currency: free and held as a viewer, earned as a creator. */
export interface AssetBalance {
  asset: string;
  balance: string;
  held: string;
  earned: string;
}

/** How an account pays in. `memo` with `address` means the same as `muxedAddress` alone. */
export interface DepositAddress {
  address: string;
  muxedAddress: string;
  memo: string;
  memoType: "id";
  networkPassphrase: string;
  /** Less is not credited. */
  minimum: string;
  uri: string;
  /** A link for each currency (SEP-7). */
  assets: { asset: string; uri: string }[];
}

export interface Deposit {
  id: string;
  asset: string;
  amount: string;
  at: string;
  source: string;
  transactionHash: string;
  ledger: number;
}

export interface Withdrawal {
  withdrawalId: string;
  state: "requested" | "in_flight" | "paid" | "refused";
  /** Why it was refused. */
  code: string | null;
  asset: string;
  amount: string;
  address: string;
  memo: string | null;
  memoType: "id" | "text" | null;
  requestedAt: string;
  transactionHash: string | null;
}

/** Why a part of a session's amount was charged, or given back. */
export interface ReasonLine {
  type: "charge" | "refund" | "waived";
  reason: string;
  amount: string;
  at: string | null;
  seconds: number | null;
}

/** One line of a history. Sessions are `watched` or `earned`; the sign of `amount` says which way it went. */
export interface Movement {
  type: string;
  reference: string;
  asset: string;
  amount: string;
  held: string;
  at: string;
  endedAt: string | null;
  state: string | null;
  contentId: string | null;
  title: string | null;
  transactionHash: string | null;
  lines: ReasonLine[];
}

export interface HistoryPage {
  items: Movement[];
  next: string | null;
}

export interface StartedSession {
  sessionId: string;
  contentId: string;
  playbackUrl: string;
  token: string;
  expiresAt: string;
  price: Price;
  balance: string;
  secondsAffordable: number | null;
}

export interface SessionStatus {
  sessionId: string;
  contentId: string;
  openedAt: string;
  state: "open" | "closed";
  secondsBilled: number;
  amount: string;
  held: string;
  asset: string;
  balance: string;
  secondsAffordable: number | null;
  secondsWaived: number;
  priceChange: PriceChange | null;
}

export interface Receipt {
  sessionId: string;
  secondsBilled: number;
  amount: string;
  asset: string;
  ticks: number;
}

export interface SourceRendition {
  name: string;
  width: number | null;
  height: number | null;
  frameRate: number | null;
  bitrate: number;
  passedThrough: boolean;
  state: "active" | "shed";
  reason: string | null;
}

export interface Health {
  lagMs: number;
  workerRestarts: number;
  droppedPackets: number;
  renditions: SourceRendition[];
  messages: string[];
}

export type Severity = "info" | "advice" | "warning" | "error";

/** One line of a preflight report, in words for the person who publishes. */
export interface Finding {
  code: string;
  severity: Severity;
  cause: string;
  cure: string;
}

/** One track as it comes in; sound has neither size nor keyframes. */
export interface TrackFacts {
  kind: "video" | "audio";
  number: number;
  coding: string | null;
  codec: string;
  bitrate: number;
  profile?: string;
  width?: number;
  height?: number;
  frameRate?: number;
  keyframeMs?: number | null;
  keyframeMsMax?: number;
  sampleRate?: number;
  channels?: number;
}

export interface Preflight {
  /** Enough was seen to judge; there are no findings before that. */
  complete: boolean;
  findings: Finding[];
  facts: { encoder: string; tracks: TrackFacts[] };
}

export interface Publisher {
  address: string;
  client: string;
  secure: boolean;
  role: "active" | "standby";
  connectedMs: number;
  bitrate: number;
  preflight: Preflight;
}

/** What becomes of a second publisher with the same key. */
export type Takeover = "reject" | "replace" | "standby";

/** Whether media comes from the server itself, or encrypted from anywhere, with keys from the server. */
export type Delivery = "direct" | "keys" | "keys-cbcs";

export interface Source {
  id: string;
  name: string;
  title: string;
  state: "live" | "idle" | "reconnecting";
  /** How long viewers still wait for the publisher; null while it is there. */
  reconnectMsLeft: number | null;
  reconnectSeconds: number;
  takeover: Takeover;
  /** How far back viewers may go; null is to the beginning. */
  dvrSeconds: number | null;
  delivery: Delivery;
  publishers: Publisher[];
  assetId: string | null;
  watchUrl: string;
  rtmpUrl: string;
  rtmpsUrl: string | null;
  price: Price;
  passes: PassOffer[];
  health: Health | null;
}

export interface SourceSettings {
  reconnectSeconds?: number;
  takeover?: Takeover;
  dvrSeconds?: number | null;
  delivery?: Delivery;
  /** Of what is published from now on. */
  price?: NewPrice;
  passes?: NewPass[];
}

/** A stream key without its secret, of which only a hash is kept. */
export interface StreamKey {
  id: string;
  label: string;
  /** The one that a new key takes the place of. */
  main: boolean;
  createdAt: string;
  /** When it stops working; null when it does not. */
  expiresAt: string | null;
  expired: boolean;
  lastUsedAt: string | null;
}

export interface NewSource {
  name: string;
  title?: string;
  price?: NewPrice;
  passes?: NewPass[];
}

/** A price as a request has it, in place of all of the one before. */
export type NewPrice = { stroops: number; per: Basis } & PriceExtras;

export interface NewPass {
  hours: number;
  stroops: number;
}

/** What something is offered for; passes that are left out stay as they are. */
export interface NewOffer {
  price: NewPrice;
  passes?: NewPass[];
}

export interface Payout {
  id: string;
  amount: string;
  state: string;
  code: string | null;
  /** What the payee's wallet claims, when the account did not take the payment itself. */
  claimableBalance: string | null;
  transactionHash: string | null;
  createdAt: string;
}

export interface Earnings {
  asset: string;
  pending: string;
  inFlight: string;
  settled: string;
  total: string;
  passesSold: number;
  /** What came of them, in all. */
  ofPasses: string;
  viewers: number;
  address: string | null;
  onChain: string | null;
  /** Why what is pending is not paid. */
  obstacle: string | null;
  payouts: Payout[];
}
