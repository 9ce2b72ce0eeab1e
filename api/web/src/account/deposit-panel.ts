// How to pay in from a wallet: an address of one's own, a link, a QR code; and what has arrived.
import { listDeposits, readDepositAddress, readDepositCode } from "../server/routes";
import type { Deposit, DepositAddress } from "../server/types";
import { signedAmount, trimAmount } from "../shell/amounts";
import { Announcer } from "../shell/announcer";
import { codeOf } from "../shell/asset";
import { copyButton } from "../shell/copy";
import { moment } from "../shell/durations";
import { element, showList } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";

const words = strings.funding;

export class DepositPanel {
  readonly root: HTMLElement;
  private readonly body = element("div", { class: "deposit" });
  private readonly list = element("ul", { class: "chain-moves" });
  private readonly arrived = element("h3", { class: "eyebrow", hidden: true }, words.arrived);
  private readonly announcer = new Announcer();
  private address: DepositAddress | null = null;
  private known: Set<string> | null = null;

  constructor(private readonly token: string) {
    this.root = element(
      "section",
      { class: "panel", "aria-labelledby": "deposit-heading", hidden: true },
      element("h2", { id: "deposit-heading", class: "eyebrow" }, words.depositHeading),
      this.body,
      this.arrived,
      this.list,
      this.announcer.region,
    );
  }

  /** Throws Problem. */
  async refresh(): Promise<void> {
    if (this.address === null) {
      this.address = await readDepositAddress(this.token);
      this.body.replaceChildren(...this.card(this.address));
      this.root.hidden = false;
    }
    this.show(await listDeposits(this.token));
  }

  private card(address: DepositAddress): (HTMLElement | string)[] {
    const [first] = address.assets;
    const asset = first?.asset ?? "";
    const code = element("img", { class: "deposit-code", width: 192, height: 192, alt: words.codeAlt });
    const link = element("a", { class: "button button-primary", href: address.uri }, icon("wallet"), words.openWallet);
    void this.draw(code, asset);
    const choose = (chosen: string): void => {
      const found = address.assets.find((each) => each.asset === chosen);
      if (found !== undefined) link.setAttribute("href", found.uri);
      void this.draw(code, chosen);
    };
    const parts: (HTMLElement | false)[] = [
      element("p", { class: "muted" }, words.depositText(`${trimAmount(address.minimum)} ${codeOf(asset)}`)),
      address.assets.length > 1 && assetChoice("deposit-asset", address.assets.map((each) => each.asset), choose),
      code,
      link,
      copied(words.ownAddress, address.muxedAddress, "deposit-muxed"),
      element(
        "details",
        { class: "deposit-other" },
        element("summary", {}, words.otherWay),
        element("p", { class: "muted" }, words.otherWayText),
        copied(words.address, address.address, "deposit-address"),
        copied(words.memo, address.memo, "deposit-memo"),
      ),
    ];
    return parts.filter((part) => part !== false);
  }

  /** As a data URL: pages load nothing but their own files, and a picture cannot show a token. */
  private async draw(image: HTMLImageElement, asset: string): Promise<void> {
    const drawing = await (await readDepositCode(this.token, asset)).text();
    image.src = `data:image/svg+xml,${encodeURIComponent(drawing)}`;
  }

  private show(deposits: readonly Deposit[]): void {
    const [newest] = deposits;
    if (this.known !== null && newest !== undefined && !this.known.has(newest.id)) {
      this.announcer.say(words.announce(`${trimAmount(newest.amount)} ${codeOf(newest.asset)}`));
    }
    this.known = new Set(deposits.map(({ id }) => id));
    this.arrived.hidden = deposits.length === 0;
    showList(
      this.list,
      deposits,
      ({ id }) => id,
      (deposit) => row(deposit),
      () => undefined,
    );
  }
}

/** Which of several currencies. */
export function assetChoice(id: string, assets: readonly string[], chosen: (asset: string) => void): HTMLElement {
  const select = element(
    "select",
    { id, onchange: () => chosen(select.value) },
    ...assets.map((asset) => element("option", { value: asset, title: asset }, codeOf(asset))),
  );
  return element("div", { class: "form" }, element("label", { for: id }, words.asset), select);
}

function row({ amount, asset, at, source, transactionHash }: Deposit): HTMLElement {
  return element(
    "li",
    { class: "chain-move" },
    element("strong", { class: "movement-amount", "data-sign": "in" }, `${signedAmount(amount)} ${codeOf(asset)}`),
    element("time", { class: "muted", datetime: at }, moment(at, new Date())),
    element("span", { class: "muted", title: source }, words.from(ends(source))),
    transaction(transactionHash),
  );
}

function copied(label: string, text: string, id: string): HTMLElement {
  return element(
    "div",
    { class: "copied" },
    element("span", { class: "eyebrow", id: `${id}-label` }, label),
    element("code", { id, "aria-labelledby": `${id}-label` }, text),
    copyButton(label, () => text),
  );
}

/** A transaction's hash, to be looked up with any explorer of the network. */
export function transaction(hash: string): HTMLElement {
  return element(
    "span",
    { class: "movement-hash" },
    element("code", { title: hash }, ends(hash)),
    copyButton(words.transaction, () => hash),
  );
}

/** Addresses and hashes are told by their ends. */
export const ends = (text: string): string => (text.length > 20 ? `${text.slice(0, 6)}…${text.slice(-6)}` : text);
