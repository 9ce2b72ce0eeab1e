// What an account has, a line for each currency.
import type { AssetBalance } from "../server/types";
import { isZero, trimAmount } from "../shell/amounts";
import { codeOf } from "../shell/asset";
import { element, setText, showList } from "../shell/element";
import { strings } from "../strings";

const words = strings.account;

class Row {
  readonly root: HTMLElement;
  private readonly amount = element("strong");
  private readonly held = element("span", { class: "muted" });
  private readonly earned = element("span", { class: "muted" });

  constructor(asset: string) {
    this.root = element(
      "li",
      { class: "balance" },
      element("span", { class: "eyebrow", title: asset }, codeOf(asset)),
      this.amount,
      this.held,
      this.earned,
    );
    rows.set(this.root, this);
  }

  update({ asset, balance, held, earned }: AssetBalance): void {
    const code = codeOf(asset);
    setText(this.amount, `${trimAmount(balance)} ${code}`);
    setText(this.held, isZero(held) ? "" : words.held(`${trimAmount(held)} ${code}`));
    setText(this.earned, isZero(earned) ? "" : `${words.earned}: ${trimAmount(earned)} ${code}`);
  }
}

const rows = new WeakMap<HTMLElement, Row>();

export class BalancesPanel {
  readonly root: HTMLElement;
  private readonly list = element("ul", { class: "balances" });
  private readonly empty = element("p", { class: "muted", hidden: true }, words.empty);

  constructor() {
    this.root = element(
      "section",
      { class: "panel", "aria-labelledby": "balance-heading" },
      element("h2", { id: "balance-heading", class: "eyebrow" }, words.balance),
      this.list,
      this.empty,
    );
  }

  update(accounts: readonly AssetBalance[]): void {
    this.empty.hidden = accounts.length > 0;
    showList(
      this.list,
      accounts,
      ({ asset }) => asset,
      ({ asset }) => new Row(asset).root,
      (made, account) => rows.get(made)?.update(account),
    );
  }
}
