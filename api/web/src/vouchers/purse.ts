// Pays for what is watched from a payment channel, a little ahead, and never beyond its cap.
import { asGuest } from "../guest";
import { Problem } from "../server/http";
import type { Price, SessionStatus } from "../server/types";
import { formatStroops, parseAmount } from "../shell/amounts";
import { commitmentOf, withAmount } from "./commitment";
import {
  type Channel,
  type ChannelTerms,
  type Voucher,
  closeChannel,
  listChannels,
  openInPlay,
  readChannel,
  registerChannel,
  sendVoucher,
} from "./routes";
import { type Kept, PENDING, forget, keep, listKept, newKeys, publicKey, sign } from "./session-key";

/** With less than this in hand, so much is signed for. A player asks for some seconds at once. */
const LOW_S = 6n;
const AHEAD_S = 12n;

/** How long to wait between looks at a contract that is being closed. */
const LOOK_MS = 1000;

export class Purse {
  private paying: Promise<boolean> | null = null;

  private constructor(
    private readonly terms: ChannelTerms,
    private readonly commitment: Uint8Array<ArrayBuffer>,
    private kept: Kept,
    private known: Channel,
    private readonly changed: () => void,
  ) {}

  /** The one that this browser has the key of; null when there is none that is open. */
  static async found(changed: () => void): Promise<Purse | null> {
    const kept = (await listKept()).filter(({ contract }) => contract !== PENDING);
    if (kept.length === 0) return null;
    return asGuest(async (token) => {
      const { items, terms } = await listChannels(token);
      const open = items.find(({ id, state }) => state === "open" && kept.some(({ contract }) => contract === id));
      const mine = kept.find(({ contract }) => contract === open?.id);
      if (open === undefined || mine === undefined || terms === null) return null;
      return Purse.of(terms, mine, open, changed);
    });
  }

  /** What a contract has to be; null where none are taken. */
  static terms(): Promise<ChannelTerms | null> {
    return asGuest(async (token) => (await listChannels(token)).terms);
  }

  /** The key that a new contract is to take signatures of: always the same one until it is used. */
  static async pendingKey(): Promise<string> {
    return publicKey((await Purse.pending()).keys);
  }

  /** Opens a contract with play money of `amount`, and pays from it. Throws Problem. */
  static inPlay(terms: ChannelTerms, amount: string, changed: () => void): Promise<Purse> {
    return asGuest(async (token) => {
      const key = await Purse.pendingKey();
      const { contract } = await openInPlay(token, key, amount);
      return Purse.registered(token, terms, contract, changed);
    });
  }

  /** Pays from a contract that takes signatures of the pending key. Throws Problem. */
  static register(terms: ChannelTerms, contract: string, changed: () => void): Promise<Purse> {
    return asGuest((token) => Purse.registered(token, terms, contract, changed));
  }

  private static async registered(
    token: string,
    terms: ChannelTerms,
    contract: string,
    changed: () => void,
  ): Promise<Purse> {
    const pending = await Purse.pending();
    const commitment = await commitmentOf(contract, terms.networkPassphrase);
    const channel = await registerChannel(token, contract, await sign(pending.keys, withAmount(commitment, 0n)));
    const kept = { ...pending, contract, cap: channel.deposited };
    await keep(kept);
    await forget(PENDING);
    return new Purse(terms, commitment, kept, channel, changed);
  }

  private static async of(terms: ChannelTerms, kept: Kept, channel: Channel, changed: () => void): Promise<Purse> {
    return new Purse(terms, await commitmentOf(kept.contract, terms.networkPassphrase), kept, channel, changed);
  }

  private static async pending(): Promise<Kept> {
    const there = (await listKept()).find(({ contract }) => contract === PENDING);
    if (there !== undefined) return there;
    const fresh = { contract: PENDING, keys: await newKeys(), cap: "0", signed: "0.0000000" };
    await keep(fresh);
    return fresh;
  }

  get contract(): string {
    return this.kept.contract;
  }

  get asset(): string {
    return this.terms.asset;
  }

  /** Nothing beyond this is signed. */
  get cap(): string {
    return this.kept.cap;
  }

  /** What was signed for, in all. */
  get signed(): string {
    return formatStroops(this.highest);
  }

  /** What the contract paid. */
  get paid(): string {
    return this.known.collected;
  }

  /** A session's figures with all that may still be signed for, which is there to be spent as well. */
  covering(status: SessionStatus, { stroops, seconds }: Price): SessionStatus {
    const left = greatest(0n, (parseAmount(this.cap) ?? 0n) - this.accepted) + (parseAmount(status.balance) ?? 0n);
    const costs = BigInt(stroops);
    const affordable = costs === 0n ? status.secondsAffordable : Number((left * BigInt(seconds)) / costs);
    return { ...status, balance: formatStroops(left), secondsAffordable: affordable };
  }

  get state(): Channel["state"] {
    return this.known.state;
  }

  /** Signs for more when less than some seconds are in hand. Resolves to whether there is enough. */
  async follow({ balance, state }: Pick<SessionStatus, "balance" | "state">, price: Price): Promise<boolean> {
    if (state !== "open") return true;
    return this.ensure(parseAmount(balance) ?? 0n, price);
  }

  /** Signs for more whatever is in hand: something was asked for that cost more than that. */
  async refill(price: Price): Promise<boolean> {
    if (this.paying !== null) return this.paying;
    return this.pay(costOf(price, AHEAD_S));
  }

  /** Before anything is played: what the first seconds and the view cost. */
  async prepare(balance: string, price: Price): Promise<boolean> {
    return this.ensure(parseAmount(balance) ?? 0n, price, parseAmount(price.perView) ?? 0n);
  }

  /**
   * Closes it. What was signed for and is still in hand goes back as well: it is signed for again,
   * without that. Resolves when the contract has paid out all. Throws Problem.
   */
  close(balance: string): Promise<void> {
    return asGuest(async (token) => {
      this.note(await readChannel(token, this.contract)); // Some may have been collected meanwhile.
      const spent = this.accepted - (parseAmount(balance) ?? 0n);
      const least = greatest(0n, spent, parseAmount(this.known.collected) ?? 0n);
      const last = least < this.accepted ? await this.voucher(least) : null;
      this.note(await closeChannel(token, this.contract, last));
      while (this.known.state !== "closed") {
        await new Promise((resolve) => window.setTimeout(resolve, LOOK_MS));
        this.note(await readChannel(token, this.contract));
      }
      await forget(this.contract);
    });
  }

  private get accepted(): bigint {
    return parseAmount(this.known.accepted) ?? 0n;
  }

  /** What was signed, whether or not the server has heard of it. */
  private get highest(): bigint {
    return greatest(this.accepted, parseAmount(this.kept.signed) ?? 0n);
  }

  private async ensure(balance: bigint, price: Price, once = 0n): Promise<boolean> {
    if (this.paying !== null) return this.paying;
    if (balance >= costOf(price, LOW_S) + once) return true;
    this.paying = this.pay(costOf(price, AHEAD_S) + once - balance);
    try {
      return await this.paying;
    } finally {
      this.paying = null;
    }
  }

  /** Signs for so much more, as far as the cap goes; what is signed is kept before it is sent. */
  private async pay(more: bigint): Promise<boolean> {
    const cap = parseAmount(this.cap) ?? 0n;
    const step = greatest(more, parseAmount(this.terms.voucherMin) ?? 0n);
    // What was signed and not heard of is sent again: less than that would only be another signature.
    const wanted = greatest(this.accepted + step, this.highest);
    const sum = wanted < cap ? wanted : cap;
    if (sum <= this.accepted) return false;
    this.kept = { ...this.kept, signed: formatStroops(sum) };
    await keep(this.kept);
    try {
      const voucher = await this.voucher(sum);
      this.note(await asGuest((token) => sendVoucher(token, this.contract, voucher)));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return false; // The next figures try again.
    }
    return true;
  }

  private async voucher(cumulative: bigint): Promise<Voucher> {
    const signature = await sign(this.kept.keys, withAmount(this.commitment, cumulative));
    return { cumulative: formatStroops(cumulative), signature };
  }

  private note(channel: Channel): void {
    this.known = channel;
    this.changed();
  }
}

/** What so many seconds cost in the best pictures, rounded up. */
function costOf({ stroops, seconds, rungs }: Price, count: bigint): bigint {
  return [{ stroops, seconds }, ...rungs].reduce((sum, each) => {
    const per = BigInt(each.seconds);
    return sum + (BigInt(each.stroops) * count + per - 1n) / per;
  }, 0n);
}

const greatest = (first: bigint, ...others: bigint[]): bigint =>
  others.reduce((most, each) => (each > most ? each : most), first);
