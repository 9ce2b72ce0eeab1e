// The fields of a whole price, to be put into a form: the amount, what there is besides, and passes.
import type { Problem } from "../server/http";
import type { NewOffer, PassOffer, Price } from "../server/types";
import { formatStroops, trimAmount } from "../shell/amounts";
import { codeOf } from "../shell/asset";
import { strings } from "../strings";
import { PassesField } from "./passes-field";
import { PriceField } from "./price-field";
import { PriceMore, basisOf } from "./price-more";

const words = strings.studio;
const AMOUNT_AT_FIRST = "0.50";

export class PriceForm {
  private readonly amount: PriceField;
  private readonly more: PriceMore;
  private readonly passes: PassesField;

  /** Begins with the `present` price and passes; null is a new one. */
  constructor(id: string, asset: string, present: Price | null, passes: readonly PassOffer[] = []) {
    const code = codeOf(asset);
    this.amount = new PriceField(id, code, null, { value: AMOUNT_AT_FIRST });
    this.more = new PriceMore(id, code, present, (basis) => this.amount.per(basis));
    this.passes = new PassesField(id, code, passes);
    this.amount.per(this.more.basis);
    if (present !== null) this.amount.fill(amountOf(present));
  }

  /** In the order of a form. */
  get nodes(): readonly HTMLElement[] {
    return [...this.amount.nodes, this.more.root, this.passes.root];
  }

  /** What was filled in; null after `complain` was told what is wrong. */
  read(complain: (field: HTMLInputElement, text: string) => null): NewOffer | null {
    const stroops = this.amount.read();
    if (stroops === null) return complain(this.amount.input, words.errorPrice);
    const extras = this.more.read();
    if (extras instanceof HTMLInputElement) return complain(extras, words.priceMore.error);
    const passes = this.passes.read();
    if (passes instanceof HTMLInputElement) return complain(passes, words.passes.error);
    const price = { stroops: Number(stroops), per: this.more.basis, ...extras };
    return passes === null ? { price } : { price, passes };
  }

  /** The field that the server found something wrong with; null when it is about none of them. */
  fieldOf({ detail }: Problem): HTMLInputElement | null {
    if (/\bpasses\b[.\d\w]*: /.test(detail)) return this.passes.first;
    const part = /\bprice(?:\.(\w+))?[.\d\w]*: /.exec(detail);
    if (part === null) return null;
    return this.more.fieldOf(part[1] ?? "") ?? this.amount.input;
  }
}

/** What a price comes to for what it is for; for an hour, one for some other time is rounded down. */
function amountOf(price: Price): string {
  const basis = basisOf(price);
  if (basis === "view") return trimAmount(price.perView);
  return trimAmount(basis === "hour" ? price.perHour : formatStroops(BigInt(price.stroops)));
}
