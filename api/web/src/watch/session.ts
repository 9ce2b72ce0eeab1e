// One playback session: begun with money enough, asked for its figures, and ended exactly once.
import { EventFeed, type FeedListener } from "../server/event-feed";
import {
  agreeToPrice,
  fundGuest,
  readBalance,
  readSession,
  sessionEvents,
  startSession,
  stopSession,
} from "../server/routes";
import type { Price, Receipt, SessionStatus, StartedSession } from "../server/types";
import { asGuest, fundWhenShort } from "../guest";
import { formatStroops, isZero, parseAmount } from "../shell/amounts";
import type { Purse } from "../vouchers/purse";

/** A guest begins with play money for at least this long, so that the first minutes are undisturbed. */
const FUNDED_S = 600n;

export class PlaybackSession {
  private constructor(
    private readonly token: string,
    private readonly started: StartedSession,
  ) {}

  /**
   * Throws Problem; its status is 402 when the balance is short, 409 when the account watches as much
   * as it may. `takeOver` then ends its oldest session; of one `key` there is one session. Where there
   * is a purse the first seconds are paid from it, and nobody gets play money.
   */
  static begin(
    contentId: string,
    price: Price,
    key: string,
    takeOver: boolean,
    purse: Purse | null,
  ): Promise<PlaybackSession> {
    return asGuest(async (token) => {
      if (purse !== null) {
        await purse.prepare((await readBalance(token)).balance, price);
        return new PlaybackSession(token, await startSession(token, contentId, key, takeOver));
      }
      const time = (BigInt(price.stroops) * FUNDED_S) / BigInt(price.seconds);
      const needed = time + (parseAmount(price.perView) ?? 0n);
      if (needed > 0n) await fundWhenShort(token, formatStroops(needed));
      return new PlaybackSession(token, await startSession(token, contentId, key, takeOver));
    });
  }

  get id(): string {
    return this.started.sessionId;
  }

  get playbackUrl(): string {
    return this.started.playbackUrl;
  }

  get price(): Price {
    return this.started.price;
  }

  /** The figures before the first answer of the ledger. */
  get initial(): SessionStatus {
    const { sessionId, contentId, price, balance, secondsAffordable } = this.started;
    const zero = "0.0000000";
    return {
      sessionId,
      contentId,
      openedAt: new Date().toISOString(),
      state: "open",
      secondsBilled: 0,
      amount: zero,
      held: zero,
      asset: price.asset,
      balance,
      secondsAffordable,
      secondsWaived: 0,
      priceChange: null,
    };
  }

  /** Its figures as they change: events of the server, or asked for while there are none. */
  follow(listener: FeedListener<SessionStatus>): EventFeed<SessionStatus> {
    const source = { path: sessionEvents(this.id), event: "session", read: () => this.read() };
    return new EventFeed(this.token, source, listener);
  }

  read(): Promise<SessionStatus> {
    return readSession(this.token, this.id);
  }

  agree(epoch: string): Promise<SessionStatus> {
    return agreeToPrice(this.token, this.id, epoch);
  }

  stop(): Promise<Receipt> {
    return stopSession(this.token, this.id);
  }

  /** Ends the session although the page is going away; nobody is left to hear the answer. */
  abandon(): void {
    stopSession(this.token, this.id, true).catch(() => {
      // The server closes a session by itself when nobody fetches from it.
    });
  }
}

/** Adds play money, or looks whether real money arrived. Resolves to whether there is any to spend. */
export function replenish(playMoney: boolean): Promise<boolean> {
  return asGuest(async (token) => {
    const { balance } = playMoney ? await fundGuest(token) : await readBalance(token);
    return !isZero(balance);
  });
}
