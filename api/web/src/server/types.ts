// The shapes of the HTTP interface. Amounts are decimal strings with seven places.

export interface Price {
  stroops: string;
  seconds: number;
  asset: string;
  perSecond: string;
  perHour: string;
}

export type ContentState = "live" | "on_demand" | "waiting";

export interface Content {
  id: string;
  title: string;
  state: ContentState;
  creator: string;
  price: Price;
  /** Nothing of a source that has never been live. */
  startedAt?: string | null;
  endedAt?: string | null;
  durationSeconds?: number | null;
  watchUrl: string;
  viewers: number;
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

export interface Balance {
  balance: string;
  held: string;
  asset: string;
  playMoney: boolean;
}

export interface StartedSession {
  sessionId: string;
  playbackUrl: string;
  token: string;
  expiresAt: string;
  price: Price;
  balance: string;
  secondsAffordable: number | null;
}

export interface SessionStatus {
  sessionId: string;
  state: "open" | "closed";
  secondsBilled: number;
  amount: string;
  held: string;
  asset: string;
  balance: string;
  secondsAffordable: number | null;
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

export interface Source {
  id: string;
  name: string;
  title: string;
  state: "live" | "idle";
  assetId: string | null;
  watchUrl: string;
  rtmpUrl: string;
  price: Price;
  health: Health | null;
}

export interface NewSource {
  name: string;
  title?: string;
  price?: { stroops: number; seconds: number };
}

export interface Payout {
  id: string;
  amount: string;
  state: string;
  transactionHash: string | null;
  createdAt: string;
}

export interface Earnings {
  asset: string;
  pending: string;
  inFlight: string;
  settled: string;
  total: string;
  viewers: number;
  address: string | null;
  onChain: string | null;
  payouts: Payout[];
}
