// A price per hour to be filled in, with what it comes to a second.
import { formatStroops, parseAmount, trimAmount } from "../shell/amounts";
import { element, setText, type Attributes } from "../shell/element";
import { strings } from "../strings";

const words = strings.studio;

export const HOUR_S = 3600n;
const AUDIENCE = 100n;
/** The server's own bound on a price, in stroops; well inside what a JSON number holds exactly. */
const MOST = 10n ** 15n;

export class PriceField {
  readonly label: HTMLLabelElement;
  readonly input: HTMLInputElement;
  readonly hint: HTMLElement;

  /** `whenEmpty` says what an empty field means; without it there has to be a price. */
  constructor(
    id: string,
    private readonly asset: string,
    private readonly whenEmpty: string | null,
    attributes: Attributes,
  ) {
    this.label = element("label", { for: id }, words.price(asset));
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

  /** Whether the field was left to mean what an empty one means. */
  get empty(): boolean {
    return this.whenEmpty !== null && this.input.value.trim() === "";
  }

  /** Stroops an hour; null when what was written is no price. */
  read(): bigint | null {
    const hour = parseAmount(this.input.value);
    return hour === null || hour > MOST ? null : hour;
  }

  private show(): void {
    if (this.whenEmpty !== null && this.empty) return setText(this.hint, this.whenEmpty);
    const hour = this.read();
    if (hour === null) return setText(this.hint, words.errorPrice);
    const second = formatStroops(hour / HOUR_S);
    const audience = trimAmount(formatStroops(hour * AUDIENCE));
    setText(this.hint, hour === 0n ? words.priceFree : words.pricePreview(second, audience, this.asset));
  }
}
