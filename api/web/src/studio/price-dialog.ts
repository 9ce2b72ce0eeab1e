// Changes what something costs: a video, or a source and, if that is wished, its running broadcast.
import { Problem } from "../server/http";
import { changePrice, changeSource, readContent } from "../server/routes";
import type { Content, NewOffer, PassOffer, Price, Source } from "../server/types";
import { element, setText, type Child } from "../shell/element";
import { FormDialog } from "../shell/form-dialog";
import { strings } from "../strings";
import { priceLine } from "../watch/price";
import { PriceForm } from "./price-form";

const words = strings.studio.priceDialog;

/** Of a video, a recording or a clip; `changed` is told of it with its new price. */
export function openContentPrice(token: string, content: Content, changed: (content: Content) => void): void {
  openPrice(
    content,
    [element("p", { class: "hint" }, words.viewers)],
    async (offer) => changed(await changePrice(token, content.id, offer)),
  );
}

/** Of what a source publishes from now on; `changed` is told of the source with its new price. */
export function openSourcePrice(token: string, source: Source, changed: (source: Source) => void): void {
  const running = source.assetId === null ? null : new RunningField(source.assetId);
  openPrice(
    { ...source, title: source.title || source.name },
    [element("p", { class: "hint" }, words.fromNext), ...(running?.nodes ?? [])],
    async (offer) => {
      changed(await changeSource(token, source.id, offer));
      if (running?.wanted) await running.change(token, offer);
    },
  );
}

function openPrice(
  { id, title, price, passes }: { id: string; title: string; price: Price; passes: readonly PassOffer[] },
  besides: readonly Child[],
  save: (offer: NewOffer) => Promise<void>,
): void {
  const form = new PriceForm("changed-price", price.asset, price, passes);
  const frame = { name: "price", heading: words.heading(title || id), submit: [words.save], busy: words.saving };
  const now = element("p", { class: "hint" }, words.now(priceLine(price)));
  const dialog = new FormDialog(frame, [now, ...form.nodes, ...besides], () => void send());
  dialog.open();

  async function send(): Promise<void> {
    const filled = form.read((field, text) => dialog.complain(field, text));
    if (filled === null) return;
    if (await dialog.ask(() => save(filled), (problem) => form.fieldOf(problem))) dialog.close();
  }
}

/** Asks whether a price is also to hold for the broadcast that is running. */
class RunningField {
  readonly nodes: readonly HTMLElement[];
  private readonly box: HTMLInputElement;
  private readonly now = element("p", { class: "hint", hidden: true });

  constructor(private readonly contentId: string) {
    const hint = element("p", { class: "hint", id: "running-price-hint" }, words.viewers);
    this.box = element("input", { type: "checkbox", "aria-describedby": hint.id });
    const label = element("label", { class: "choice" }, this.box, element("span", {}, words.alsoRunning));
    this.nodes = [label, this.now, hint];
    void this.showNow();
  }

  get wanted(): boolean {
    return this.box.checked;
  }

  /** Throws Problem, which says that the next broadcast has the price already. */
  async change(token: string, offer: NewOffer): Promise<void> {
    try {
      await changePrice(token, this.contentId, offer);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      throw new Problem(error.status, error.code, error.title, words.onlyNext(error.message));
    }
  }

  /** It may have got a price of its own since it began. */
  private async showNow(): Promise<void> {
    try {
      const { price } = await readContent(this.contentId);
      setText(this.now, words.runningNow(priceLine(price)));
      this.now.hidden = false;
    } catch (error) {
      // Whoever changes the price gets to know what is wrong; until then this line is missing.
      if (!(error instanceof Problem)) throw error;
    }
  }
}
