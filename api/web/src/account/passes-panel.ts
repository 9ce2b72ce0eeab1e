// The passes of an account: what for, and until when.
import { listPasses } from "../server/routes";
import type { Pass } from "../server/types";
import { trimAmount } from "../shell/amounts";
import { codeOf } from "../shell/asset";
import { moment } from "../shell/durations";
import { element } from "../shell/element";
import { strings } from "../strings";

const words = strings.passes;

export class PassesPanel {
  readonly root: HTMLElement;
  private readonly list = element("ul", { class: "pass-list" });
  private shown = "";

  constructor(private readonly token: string) {
    this.root = element(
      "section",
      { class: "panel", "aria-labelledby": "passes-heading", hidden: true },
      element("h2", { id: "passes-heading", class: "eyebrow" }, words.heading),
      this.list,
    );
  }

  /** Throws Problem. */
  async refresh(): Promise<void> {
    const passes = await listPasses(this.token);
    const state = JSON.stringify(passes);
    if (state === this.shown) return;
    this.shown = state;
    this.root.hidden = passes.length === 0;
    this.list.replaceChildren(...passes.map(row));
  }
}

function row({ contentId, title, hours, asset, amount, ends, good }: Pass): HTMLElement {
  const when = moment(ends, new Date());
  return element(
    "li",
    { class: "plan", "data-good": good },
    element(
      "div",
      {},
      title === null ? element("strong", {}, words.gone) : element("a", { href: `/watch/${encodeURIComponent(contentId)}` }, title),
      element("span", { class: "muted" }, `${words.name(hours)}, ${trimAmount(amount)} ${codeOf(asset)}`),
      element("span", {}, good ? words.until(when) : words.over(when)),
    ),
  );
}
