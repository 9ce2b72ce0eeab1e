// One account: its money, its sessions, its history, brought up to date while somebody looks.
import { accessSection } from "../login/access";
import { Problem } from "../server/http";
import { listSessions, readBalance, readContent } from "../server/routes";
import { SIGNED_IN } from "../server/signed-in";
import type { SessionStatus } from "../server/types";
import { element } from "../shell/element";
import { notice, replaceWith } from "../shell/notice";
import { Poller } from "../shell/poller";
import { strings } from "../strings";
import { BalancesPanel } from "./balances-panel";
import { DepositPanel } from "./deposit-panel";
import { HistoryPanel } from "./history-panel";
import type { Identity } from "./identities";
import { PassesPanel } from "./passes-panel";
import { SessionsPanel } from "./sessions-panel";
import { SubscriptionPanel } from "./subscription-panel";
import { StatementForm } from "./statement-form";
import { WithdrawPanel } from "./withdraw-panel";

const words = strings.account;

const POLL_MS = 3000;

export class AccountView {
  readonly root: HTMLElement;
  private readonly message = element("div", { "aria-live": "polite" });
  private readonly columns: HTMLElement;
  private readonly balances = new BalancesPanel();
  private readonly sessions: SessionsPanel;
  private readonly history: HistoryPanel;
  private readonly subscription: SubscriptionPanel;
  private readonly passes: PassesPanel;
  private readonly deposit: DepositPanel;
  private readonly withdrawing: WithdrawPanel;
  private readonly titles = new Map<string, string>();
  private readonly poller = new Poller(POLL_MS, () => this.refresh());

  constructor(private readonly identity: Identity) {
    const { name, token } = identity;
    this.history = new HistoryPanel(token);
    this.sessions = new SessionsPanel(
      token,
      (contentId) => this.titles.get(contentId) ?? words.unnamed,
      () => void this.refresh(),
    );
    this.subscription = new SubscriptionPanel(token, () => void this.refresh());
    this.passes = new PassesPanel(token);
    this.deposit = new DepositPanel(token);
    this.withdrawing = new WithdrawPanel(token, () => void this.refresh());
    const watches = name === "viewer";
    this.columns = element(
      "div",
      { class: "account-columns", hidden: true },
      element(
        "div",
        {},
        watches && this.sessions.root,
        watches && element("div", { class: "account-pair" }, this.deposit.root, this.withdrawing.root),
        this.history.root,
      ),
      element(
        "div",
        {},
        this.balances.root,
        watches && this.passes.root,
        watches && this.subscription.root,
        new StatementForm(token, new Date()).root,
      ),
    );
    const access = accessSection(token, name === "viewer" && token !== SIGNED_IN);
    this.root = element("div", {}, this.message, this.columns, access);
    const loading = { name: "loading", icon: "wallet", title: words.loading, text: "", busy: true } as const;
    replaceWith(this.message, notice(loading));
  }

  open(): void {
    this.poller.start();
  }

  close(): void {
    this.poller.stop();
  }

  private async refresh(): Promise<void> {
    const { name, token } = this.identity;
    try {
      const [{ accounts }, sessions] = await Promise.all([
        readBalance(token),
        name === "viewer" ? listSessions(token) : [],
        this.history.refresh(),
        name === "viewer" && this.passes.refresh(),
        name === "viewer" && this.subscription.refresh(),
        name === "viewer" && this.deposit.refresh(),
        name === "viewer" && this.withdrawing.refresh(),
      ]);
      await this.learnTitles(sessions);
      this.balances.update(accounts);
      this.withdrawing.update(accounts);
      this.sessions.update(sessions);
      replaceWith(this.message);
      this.columns.hidden = false;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.fail(error);
    }
  }

  private fail({ status }: Problem): void {
    const { unreachable, unreachableText } = strings.common;
    const gone = { name: "none", icon: "wallet", title: words.noneTitle, text: words.noneText } as const;
    const away = { name: "unreachable", icon: "alert", title: unreachable, text: unreachableText } as const;
    replaceWith(this.message, notice(status === 401 ? gone : away));
  }

  /** What is being watched may be gone from the catalogue: then it has no name. */
  private async learnTitles(sessions: readonly SessionStatus[]): Promise<void> {
    const unknown = new Set(sessions.map(({ contentId }) => contentId).filter((id) => !this.titles.has(id)));
    await Promise.all(
      [...unknown].map(async (id) => {
        try {
          this.titles.set(id, (await readContent(id)).title);
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
        }
      }),
    );
  }
}
