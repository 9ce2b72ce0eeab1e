// What was earned: ledger values only, as they change.
import { strings } from "../strings";
import type { Earnings, Payout } from "../server/types";
import { formatStroops, parseAmount, trimAmount } from "../shell/amounts";
import { Announcer } from "../shell/announcer";
import { copyButton } from "../shell/copy";
import { moment } from "../shell/durations";
import { element, setText, type Child } from "../shell/element";
import { icon } from "../shell/icons";
import type { FeedState } from "../server/event-feed";
import { Pulse } from "./pulse";

const words = strings.studio;
const states: Record<FeedState, string> = {
  live: words.feedLive,
  polling: words.feedPolling,
  lost: words.feedLost,
};

export class EarningsPanel {
  readonly root: HTMLElement;
  private readonly pulse = new Pulse();
  private readonly announcer = new Announcer();
  private readonly feed = element("span", { class: "feed", "data-state": "lost" });
  private readonly whole = element("span", {}, "–");
  private readonly decimals = element("span", { class: "dim" });
  private readonly asset = element("span", { class: "total-asset" });
  private readonly viewers = element("dd", { id: "earnings-viewers" }, "–");
  private readonly minute = element("dd", { id: "earnings-minute" }, "–");
  private readonly pending = element("dd", { id: "earnings-pending" }, "–");
  private readonly inFlight = element("dd", { id: "earnings-in-flight" }, "–");
  private readonly settled = element("dd", { id: "earnings-settled" }, "–");
  private readonly onChain = element("dd", { id: "earnings-on-chain" }, "–");
  private readonly ofPasses = element("dd", { id: "earnings-of-passes" }, "–");
  private readonly address = element("p", { class: "address" });
  private readonly obstacle = element("p", { class: "hint obstacle", hidden: true });
  private readonly payouts = element("ul", { class: "payouts" });
  private shown = "";

  constructor(playMoney: boolean) {
    this.root = element(
      "section",
      { class: "panel earnings", "aria-labelledby": "earnings-heading" },
      element(
        "header",
        { class: "earnings-head" },
        element("h2", { id: "earnings-heading", class: "eyebrow" }, words.earnings),
        this.feed,
      ),
      element("p", { class: "total-label" }, words.total),
      element("p", { class: "total", id: "earnings-total" }, this.whole, this.decimals, " ", this.asset),
      this.pulse.root,
      element(
        "dl",
        { class: "figures figures-row" },
        figure(words.viewersNow, this.viewers),
        figure(words.perMinute, this.minute),
      ),
      element(
        "dl",
        { class: "figures" },
        figure(words.pending, this.pending, words.pendingHint),
        figure(words.inFlight, this.inFlight, words.inFlightHint),
        figure(words.settled, this.settled, words.settledHint),
        figure(words.onChain, this.onChain),
        figure(words.ofPasses, this.ofPasses, words.ofPassesHint),
      ),
      element("h3", { class: "eyebrow" }, words.address),
      this.address,
      this.obstacle,
      element("h3", { class: "eyebrow" }, words.payouts),
      this.payouts,
      playMoney && element("p", { class: "hint play-money-note" }, icon("coin"), words.playMoneyNote),
      this.announcer.region,
    );
    this.showState("lost");
    setText(this.feed, strings.studio.loading);
  }

  showState(state: FeedState): void {
    this.feed.dataset["state"] = state;
    setText(this.feed, states[state]);
  }

  update(earnings: Earnings, nowMs: number): void {
    const { asset, total, viewers } = earnings;
    const [whole = "0", fraction = ""] = formatStroops(parseAmount(total) ?? 0n).split(".");
    setText(this.whole, `${whole}.${fraction.slice(0, 2)}`);
    setText(this.decimals, fraction.slice(2));
    setText(this.asset, asset);
    setText(this.viewers, String(viewers));
    setText(this.minute, `+${trimAmount(this.pulse.add(total, nowMs))}`);
    setText(this.pending, earnings.pending);
    setText(this.inFlight, earnings.inFlight);
    setText(this.settled, earnings.settled);
    setText(this.onChain, earnings.onChain ?? "–");
    setText(this.ofPasses, words.passesSold(earnings.ofPasses, earnings.passesSold));
    this.showObstacle(earnings.obstacle);
    this.announcer.offer(words.announce(trimAmount(total), asset, viewers), nowMs);
    this.showLedger(earnings);
  }

  private showObstacle(code: string | null): void {
    this.obstacle.hidden = code === null;
    if (code !== null) setText(this.obstacle, words.obstacle(words.obstacles[code] ?? code));
  }

  /** The parts that hold buttons are made anew only when they say something new. */
  private showLedger({ address, payouts }: Earnings): void {
    const state = JSON.stringify([address, payouts]);
    if (state === this.shown) return;
    this.shown = state;
    this.address.replaceChildren(...(address === null ? [words.addressNone] : code(address, words.address)));
    const rows = payouts.map(payoutRow);
    this.payouts.replaceChildren(...(rows.length > 0 ? rows : [element("li", { class: "hint" }, words.payoutsNone)]));
  }
}

function figure(name: string, value: HTMLElement, hint = ""): HTMLElement {
  return element("div", { title: hint === "" ? undefined : hint }, element("dt", {}, name), value);
}

function payoutRow({ amount, state, claimableBalance, transactionHash, createdAt }: Payout): HTMLElement {
  const hash: Child[] = transactionHash === null ? [] : code(transactionHash, words.transaction);
  const claim = claimableBalance ?? null;
  return element(
    "li",
    { class: "payout" },
    element("strong", {}, trimAmount(amount)),
    element("span", { class: "tag", "data-kind": state }, words.payoutStates[state] ?? state),
    element("time", { datetime: createdAt }, moment(createdAt, new Date())),
    element("span", { class: "payout-hash" }, ...hash),
    claim !== null && element("span", { class: "hint payout-claim" }, words.claimableHint, " ", ...code(claim, words.claimable)),
  );
}

/** A long identifier: its ends are read, the whole is copied. */
function code(value: string, what: string): (Node | string)[] {
  const ends = value.length > 20 ? `${value.slice(0, 8)}…${value.slice(-8)}` : value;
  return [element("code", { title: value }, ends), copyButton(what, () => value)];
}
