// Under the price: passes that can be bought in place of paying by the second, or the one that is had.
import { asGuest, fundWhenShort, knownViewer } from "../guest";
import { newKey, Problem } from "../server/http";
import { buyPass, readPasses } from "../server/routes";
import type { Content, Pass, PassOffer } from "../server/types";
import { trimAmount } from "../shell/amounts";
import { Announcer } from "../shell/announcer";
import { codeOf } from "../shell/asset";
import { confirmed } from "../shell/confirm";
import { moment, spell } from "../shell/durations";
import { element, type Child } from "../shell/element";
import { replaceWith } from "../shell/notice";
import { strings } from "../strings";

const words = strings.passes;
const HOUR_S = 3600;

export class PassPanel {
  readonly root: HTMLElement;
  private readonly body = element("div");
  private readonly announcer = new Announcer();
  private readonly problem = element("p", { class: "form-error", role: "alert", hidden: true });
  private content: Content | null = null;
  private held: Pass | null = null;
  /** The content that was asked about, and whether there is an answer. */
  private asked = "";
  private shown = "";
  private wish = newKey();

  /** `bought` is told when nothing is to be paid by the second any more. */
  constructor(
    private readonly playMoney: Promise<boolean>,
    private readonly bought: () => void,
  ) {
    this.root = element(
      "section",
      { class: "toll-panel passes", "aria-labelledby": "passes-heading", hidden: true },
      element("h2", { id: "passes-heading", class: "eyebrow" }, words.heading),
      this.body,
      this.problem,
      this.announcer.region,
    );
  }

  /** Follows what is offered; whoever has an account here is asked once what they have. */
  update(content: Content): void {
    this.content = content;
    if (this.held !== null && Date.parse(this.held.ends) <= Date.now()) this.held = null;
    if (content.playable && this.asked !== content.id) void this.look(content.id);
    this.show();
  }

  private async look(id: string): Promise<void> {
    const token = knownViewer();
    if (token === null) return;
    this.asked = id;
    try {
      this.held = (await readPasses(token, id)).held;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // A token that is good no more has no passes; anything else is asked again.
      if (error.status !== 401) this.asked = "";
    }
    this.show();
  }

  private show(): void {
    const offers = this.content?.passes ?? [];
    const state = JSON.stringify([this.held, offers]);
    // What somebody is about to press is not made anew for nothing.
    if (state === this.shown) return;
    this.shown = state;
    this.root.hidden = this.held === null && offers.length === 0;
    replaceWith(this.body, ...(this.held === null ? this.offers(offers) : good(this.held)));
  }

  private offers(offers: readonly PassOffer[]): Child[] {
    return [
      element("ul", { class: "pass-offers" }, ...offers.map((offer) => this.row(offer))),
      element("p", { class: "hint" }, words.instead),
    ];
  }

  private row(offer: PassOffer): HTMLElement {
    const name = words.name(offer.hours);
    const buy = { type: "button", class: "button button-small", "aria-label": words.buyWhich(name, cost(offer)) };
    return element(
      "li",
      { class: "pass-offer" },
      element(
        "div",
        {},
        element("strong", {}, `${name} ${cost(offer)}`),
        element("span", { class: "hint" }, words.gives(spell(offer.hours * HOUR_S))),
      ),
      element("button", { ...buy, onclick: () => void this.buy(offer) }, words.buy),
    );
  }

  private async buy(offer: PassOffer): Promise<void> {
    const { content } = this;
    const question = {
      title: words.title(words.name(offer.hours)),
      text: words.text(cost(offer), spell(offer.hours * HOUR_S)),
      confirm: words.confirm,
    };
    if (content === null || !(await confirmed(question))) return;
    this.problem.hidden = true;
    const playMoney = await this.playMoney;
    try {
      this.held = await asGuest(async (token) => {
        if (playMoney) await fundWhenShort(token, offer.amount);
        return buyPass(token, content.id, offer, this.wish);
      });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // Nobody knows what became of a request without an answer: the next one asks for the same.
      if (error.status >= 400 && error.status < 500) this.wish = newKey();
      if (error.code === "pass_is_good") void this.look(content.id);
      this.complain(error);
      return;
    }
    this.wish = newKey();
    this.asked = content.id;
    this.show();
    this.announcer.say(words.good(until(this.held)));
    this.bought();
  }

  private complain({ status, message }: Problem): void {
    const short = status === 402;
    const say = status === 0 ? strings.common.unreachable : short ? words.tooLittle : message;
    replaceWith(this.problem, say, short && " ", short && element("a", { href: "/account" }, words.addMoney));
    this.problem.hidden = false;
  }
}

const cost = ({ amount, asset }: PassOffer): string => `${trimAmount(amount)} ${codeOf(asset)}`;
const until = ({ ends }: Pass): string => moment(ends, new Date());

function good(held: Pass): Child[] {
  return [
    element("p", { class: "pass-good" }, element("strong", {}, words.good(until(held)))),
    element("p", { class: "hint" }, words.goodHint),
  ];
}
