// What a source costs, and what becomes of it when its publisher drops, or a second one comes.
import { Problem } from "../server/http";
import { changeSource } from "../server/routes";
import type { Source, SourceSettings, Takeover } from "../server/types";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";
import { priceLine } from "../watch/price";
import { DeliveryField } from "./delivery-field";
import { openSourcePrice } from "./price-dialog";
import { SplitsPanel } from "./splits-panel";

const words = strings.studio.settings;

/** Windows to choose from, in seconds; one that was set in another way is listed as well. */
const windows = [0, 15, 30, 60, 120, 300];
/** How far back viewers may go, in seconds; null is to the beginning. */
const pasts: readonly (number | null)[] = [0, 300, 1800, 7200, 21600, null];
const takeovers: readonly Takeover[] = ["replace", "standby", "reject"];

export class SourceSettingsPanel {
  readonly root: HTMLElement;
  private readonly price = element("span", {});
  private readonly window: HTMLSelectElement;
  private readonly takeover: HTMLSelectElement;
  private readonly takeoverHint: HTMLElement;
  private readonly past: HTMLSelectElement;
  private readonly delivery: DeliveryField;
  private readonly said = element("p", { class: "hint settings-said", role: "status" });

  constructor(
    private readonly token: string,
    private source: Source,
  ) {
    const at = `settings-${source.id}`;
    this.window = element("select", { id: `${at}-window`, "aria-describedby": `${at}-window-hint` });
    this.takeover = element(
      "select",
      { id: `${at}-takeover`, "aria-describedby": `${at}-takeover-hint` },
      ...takeovers.map((value) => element("option", { value }, words.takeovers[value])),
    );
    this.takeoverHint = element("p", { class: "hint", id: `${at}-takeover-hint` });
    this.past = element("select", { id: `${at}-past`, "aria-describedby": `${at}-past-hint` });
    this.delivery = new DeliveryField(`${at}-delivery`);
    this.past.addEventListener("change", () => void this.save({ dvrSeconds: pastOf(this.past.value) }));
    this.delivery.select.addEventListener("change", () => void this.save({ delivery: this.delivery.value }));
    this.window.addEventListener("change", () => void this.save({ reconnectSeconds: Number(this.window.value) }));
    this.takeover.addEventListener("change", () => {
      this.showHint();
      void this.save({ takeover: this.takeover.value as Takeover });
    });
    this.root = element(
      "div",
      { class: "form source-settings" },
      element("h4", { class: "eyebrow" }, words.price),
      element(
        "p",
        { class: "settings-price" },
        this.price,
        element(
          "button",
          { type: "button", class: "button button-small", onclick: () => this.changePrice() },
          icon("coin"),
          words.changePrice,
        ),
      ),
      element("label", { for: this.window.id }, words.window),
      this.window,
      element("p", { class: "hint", id: `${at}-window-hint` }, words.windowHint),
      element("label", { for: this.takeover.id }, words.takeover),
      this.takeover,
      this.takeoverHint,
      element("label", { for: this.past.id }, words.past),
      this.past,
      element("p", { class: "hint", id: `${at}-past-hint` }, words.pastHint),
      this.delivery.label,
      this.delivery.select,
      this.delivery.hint,
      this.said,
      new SplitsPanel(token, source.id).root,
    );
    this.show(source);
  }

  /** Follows the server, but not while somebody is choosing. */
  update(source: Source): void {
    this.source = source;
    setText(this.price, priceLine(source.price));
    if (!this.root.contains(document.activeElement)) this.show(source);
  }

  private show({ reconnectSeconds, takeover, dvrSeconds, delivery }: Source): void {
    offer(this.window, [...windows, reconnectSeconds], words.windowFor);
    offer(this.past, [...pasts, dvrSeconds], words.pastFor);
    this.window.value = String(reconnectSeconds);
    this.past.value = String(dvrSeconds);
    this.delivery.value = delivery;
    this.takeover.value = takeover;
    this.showHint();
  }

  private changePrice(): void {
    openSourcePrice(this.token, this.source, (source) => {
      this.update(source);
      this.say(words.priceSaved(priceLine(source.price)));
    });
  }

  private showHint(): void {
    setText(this.takeoverHint, words.takeoverHints[this.takeover.value as Takeover]);
  }

  private async save(changed: SourceSettings): Promise<void> {
    this.say(words.saving);
    try {
      this.source = await changeSource(this.token, this.source.id, changed);
      this.say(words.saved);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.say(error.status === 0 ? strings.common.unreachable : error.message, true);
      this.show(this.source);
    }
  }

  private say(text: string, failed = false): void {
    this.said.classList.toggle("settings-failed", failed);
    setText(this.said, text);
  }
}

/** Has these choices in a list, in order and each once; null, which is without end, comes last. */
function offer<Value extends number | null>(
  list: HTMLSelectElement,
  values: readonly Value[],
  word: (value: Value) => string,
): void {
  const order = (value: number | null): number => value ?? Infinity;
  const offered = [...new Set(values)].sort((one, other) => order(one) - order(other));
  if ([...list.options].map(({ value }) => value).join() === offered.map(String).join()) return;
  list.replaceChildren(...offered.map((value) => element("option", { value: String(value) }, word(value))));
}

function pastOf(value: string): number | null {
  return value === "null" ? null : Number(value);
}
