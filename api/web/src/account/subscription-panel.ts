// A flat fee a month instead of single seconds: what there is, what it includes, what comes next.
import { Problem } from "../server/http";
import { changeSubscription, listPlans, readSubscription, subscribe } from "../server/routes";
import type { Plan, Subscription, SubscriptionState } from "../server/types";
import { trimAmount } from "../shell/amounts";
import { Announcer } from "../shell/announcer";
import { codeOf } from "../shell/asset";
import { confirmed } from "../shell/confirm";
import { day, spell } from "../shell/durations";
import { element } from "../shell/element";
import { strings } from "../strings";

const words = strings.subscription;

export class SubscriptionPanel {
  readonly root: HTMLElement;
  private readonly body = element("div", { class: "subscription" });
  private readonly announcer = new Announcer();
  private readonly problem = element("p", { class: "form-error", role: "alert", hidden: true });
  private plans: Plan[] | null = null;
  private shown = "";

  constructor(
    private readonly token: string,
    private readonly changed: () => void,
  ) {
    this.root = element(
      "section",
      { class: "panel", "aria-labelledby": "subscription-heading", hidden: true },
      element("h2", { id: "subscription-heading", class: "eyebrow" }, words.heading),
      this.body,
      this.problem,
      this.announcer.region,
    );
  }

  /** Throws Problem. */
  async refresh(): Promise<void> {
    this.plans ??= await listPlans();
    this.show(await readSubscription(this.token));
  }

  private show(state: SubscriptionState): void {
    const told = JSON.stringify(state);
    // What somebody is about to press is not made anew for nothing.
    if (told === this.shown) return;
    this.shown = told;
    const { subscription } = state;
    const current = subscription !== null && subscription.state !== "ended" ? subscription : null;
    this.root.hidden = current === null && this.plans?.length === 0;
    this.body.replaceChildren(
      ...(current === null ? this.offer(state) : this.current(current)).filter((part) => part !== null),
    );
  }

  private offer({ subscription, trialDays }: SubscriptionState): (HTMLElement | null)[] {
    const ended = subscription?.endReason ?? null;
    return [
      ended === null ? null : element("p", { class: "muted" }, words.ended[ended] ?? ended),
      element("p", { class: "muted" }, words.lead),
      element("ul", { class: "plans" }, ...(this.plans ?? []).map((plan) => this.row(plan, trialDays))),
    ];
  }

  private row(plan: Plan, trialDays: number): HTMLElement {
    const name = words.names[plan.name] ?? plan.name;
    return element(
      "li",
      { class: "plan", "data-plan": plan.name },
      element(
        "div",
        {},
        element("strong", {}, name),
        element("span", {}, words.perMonth(fee(plan))),
        element("span", { class: "muted" }, words.includes(plan.includedSeconds / 3600, plan.sessionsAtOnce)),
      ),
      element(
        "button",
        {
          type: "button",
          class: "button button-small",
          "aria-label": words.subscribeTo(name),
          onclick: () => void this.subscribe(plan, trialDays),
        },
        trialDays > 0 ? words.tryIt : words.subscribe,
      ),
    );
  }

  private current(subscription: Subscription): (HTMLElement | null)[] {
    const { plan, nextPlan, state, ends, secondsUsed } = subscription;
    const name = words.names[plan.name] ?? plan.name;
    const left = Math.max(0, plan.includedSeconds - secondsUsed);
    const until = day(ends);
    const others = (this.plans ?? []).filter((each) => each.name !== nextPlan?.name);
    return [
      element(
        "p",
        { class: "subscription-name" },
        element("strong", {}, name),
        element("span", { class: "badge" }, words.states[state] ?? state),
      ),
      state === "grace" ? element("p", { class: "form-error", role: "alert" }, words.unpaid(fee(plan))) : null,
      element("progress", {
        class: "subscription-use",
        max: plan.includedSeconds,
        value: Math.min(secondsUsed, plan.includedSeconds),
        "aria-label": words.use,
      }),
      element("p", { class: "muted" }, words.left(spell(left), spell(plan.includedSeconds))),
      element("p", {}, nextPlan === null ? words.endsOn(until) : words.renews(next(nextPlan), fee(nextPlan), until)),
      element(
        "div",
        { class: "subscription-actions" },
        ...others.map((each) =>
          this.button(nextPlan === null ? words.keep(next(each)) : words.change(next(each)), () => this.follow(each)),
        ),
        nextPlan !== null && this.button(words.cancel, () => this.cancel(until)),
      ),
    ];
  }

  private button(text: string, act: () => Promise<void>): HTMLElement {
    return element("button", { type: "button", class: "button button-small", onclick: () => void act() }, text);
  }

  private async subscribe(plan: Plan, trialDays: number): Promise<void> {
    const name = next(plan);
    const text = trialDays > 0 ? words.trialText(trialDays, fee(plan)) : words.subscribeText(fee(plan));
    if (!(await confirmed({ title: words.subscribeTo(name), text, confirm: words.subscribe }))) return;
    await this.act(words.begun(name), () => subscribe(this.token, plan.name, crypto.randomUUID()));
  }

  private async cancel(until: string): Promise<void> {
    const question = { title: words.cancelTitle, text: words.cancelText(until), confirm: words.cancel, keep: words.stay };
    if (!(await confirmed(question))) return;
    await this.act(words.endsOn(until), () => changeSubscription(this.token, null));
  }

  private async follow(plan: Plan): Promise<void> {
    await this.act(words.changed(next(plan)), () => changeSubscription(this.token, plan.name));
  }

  private async act(said: string, work: () => Promise<SubscriptionState>): Promise<void> {
    this.problem.hidden = true;
    try {
      this.show(await work());
      this.announcer.say(said);
      this.changed();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.problem.textContent = error.status === 402 ? words.tooLittle : error.message;
      this.problem.hidden = false;
    }
  }
}

const fee = ({ fee, asset }: Plan): string => `${trimAmount(fee)} ${codeOf(asset)}`;
const next = ({ name }: Plan): string => words.names[name] ?? name;
