// A price to be filled in, per hour if nothing else is said, with what it comes to a second.
import { formatStroops, parseAmount, trimAmount } from "../shell/amounts";
import { element, setText, type Attributes } from "../shell/element";
import { strings } from "../strings";
import type { Basis } from "./price-more";

const words = strings.studio;

export const HOUR_S = 3600n;
/** Seconds of what a price is for; a view has none. */
const SECONDS: Readonly<Record<Basis, bigint>> = { second: 1n, minute: 60n, hour: HOUR_S, view: 0n };
const AUDIENCE = 100n;
/** The server's own bound on a price, in stroops; well inside what a JSON number holds exactly. */
const MOST = 10n ** 12n;

export class PriceField {
  readonly label: HTMLLabelElement;
  readonly input: HTMLInputElement;
  readonly hint: HTMLElement;
  private basis: Basis = "hour";

  /** `whenEmpty` says what an empty field means; without it there has to be a price. */
  constructor(
    id: string,
    private readonly asset: string,
    private readonly whenEmpty: string | null,
    attributes: Attributes,
  ) {
    this.label = element("label", { for: id }, words.price.hour(asset));
    this.hint = element("p", { class: "hint", id: `${id}-hint`, "aria-live": "polite" });
    this.input = element("input", {
      id,
      name: "price",
      type: "text",
      inputmode: "decimal",
      autocomplete: "off",
      "aria-describedby": this.hint.id,
      ...attributes,
    });
    this.input.addEventListener("input", () => this.show());
    this.show();
  }

  /** In the order of a form. */
  get nodes(): readonly HTMLElement[] {
    return [this.label, this.input, this.hint];
  }

  /** Whether the field was left to mean what an empty one means. */
  get empty(): boolean {
    return this.whenEmpty !== null && this.input.value.trim() === "";
  }

  /** What the price is for from now on. */
  per(basis: Basis): void {
    this.basis = basis;
    setText(this.label, words.price[basis](this.asset));
    this.show();
  }

  /** Has a price in it: an amount for what it is for. */
  fill(amount: string): void {
    this.input.value = amount;
    this.show();
  }

  /** Stroops for what it is for; null when what was written is no price. */
  read(): bigint | null {
    const stroops = parseAmount(this.input.value);
    return stroops === null || stroops > MOST ? null : stroops;
  }

  private show(): void {
    if (this.whenEmpty !== null && this.empty) return setText(this.hint, this.whenEmpty);
    const stroops = this.read();
    if (stroops === null) return setText(this.hint, words.errorPrice);
    if (stroops === 0n) return setText(this.hint, words.priceFree);
    const audience = (one: bigint): string => trimAmount(formatStroops(one * AUDIENCE));
    const seconds = SECONDS[this.basis];
    if (seconds === 0n) return setText(this.hint, words.pricePreviewView(audience(stroops), this.asset));
    const hour = (stroops * HOUR_S) / seconds;
    setText(this.hint, words.pricePreview(formatStroops(stroops / seconds), audience(hour), this.asset));
  }
}
