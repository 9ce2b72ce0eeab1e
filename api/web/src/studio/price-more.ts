// What there may be to a price besides: for what, free seconds, caps, and more for better pictures.
import { parseAmount } from "../shell/amounts";
import { element, type Attributes } from "../shell/element";
import { strings } from "../strings";

const words = strings.studio.priceMore;

export type Basis = "second" | "minute" | "hour" | "view";

/** As a request has it; stroops as numbers, which hold them exactly. */
export interface PriceExtras {
  freeSeconds?: number;
  sessionCap?: number;
  dayCap?: number;
  rungs?: { heightMin: number; stroops: number; per: "hour" }[];
}

const bases: readonly Basis[] = ["second", "minute", "hour", "view"];
const heights = [720, 1080] as const;
const FREE_S_MAX = 86_400;
/** The server's own bounds, in stroops. */
const PRICE_MOST = 10n ** 12n;
const CAP_MOST = 10n ** 15n;

export class PriceMore {
  readonly root: HTMLDetailsElement;
  private readonly basisField: HTMLSelectElement;
  private readonly free: HTMLInputElement;
  private readonly session: HTMLInputElement;
  private readonly day: HTMLInputElement;
  private readonly rungs: readonly HTMLInputElement[];

  constructor(id: string, asset: string, basisChanged: (basis: Basis) => void) {
    const field = (name: string, attributes: Attributes = {}): HTMLInputElement =>
      element("input", { id: `${id}-${name}`, type: "text", inputmode: "decimal", autocomplete: "off", ...attributes });
    this.basisField = element(
      "select",
      { id: `${id}-basis` },
      ...bases.map((value) => element("option", { value, selected: value === "hour" }, words.bases[value])),
    );
    this.basisField.addEventListener("change", () => basisChanged(this.basis));
    this.free = field("free", { inputmode: "numeric", placeholder: "0" });
    this.session = field("session-cap", { placeholder: words.noCap });
    this.day = field("day-cap", { placeholder: words.noCap });
    this.rungs = heights.map((height) => field(`rung-${height}`, { placeholder: "0.00" }));
    const labelled = (label: string, input: HTMLElement): HTMLElement =>
      element("div", { class: "price-more-field" }, element("label", { for: input.id }, label), input);
    this.root = element(
      "details",
      { class: "price-more" },
      element("summary", {}, words.summary),
      element(
        "div",
        { class: "price-more-fields" },
        labelled(words.basis, this.basisField),
        labelled(words.free, this.free),
        labelled(words.sessionCap(asset), this.session),
        labelled(words.dayCap(asset), this.day),
        ...this.rungs.map((input, place) => labelled(words.rung(heights[place] ?? 0, asset), input)),
      ),
      element("p", { class: "hint" }, words.hint),
    );
  }

  get basis(): Basis {
    return this.basisField.value as Basis;
  }

  /** What was filled in, or the first field in which something else is written. */
  read(): PriceExtras | HTMLInputElement {
    const free = this.free.value.trim();
    if (!/^\d*$/.test(free) || Number(free) > FREE_S_MAX) return this.free;
    const extras: PriceExtras = Number(free) > 0 ? { freeSeconds: Number(free) } : {};
    for (const [input, name] of [[this.session, "sessionCap"], [this.day, "dayCap"]] as const) {
      const stroops = optional(input, CAP_MOST);
      if (stroops === undefined) return input;
      if (stroops !== null) extras[name] = stroops;
    }
    const rungs = [];
    for (const [place, input] of this.rungs.entries()) {
      const stroops = optional(input, PRICE_MOST);
      if (stroops === undefined) return input;
      if (stroops) rungs.push({ heightMin: heights[place] ?? 0, stroops, per: "hour" as const });
    }
    return rungs.length > 0 ? { ...extras, rungs } : extras;
  }

  /** Shows a field that is wrong. */
  open(): void {
    this.root.open = true;
  }

  get inputs(): readonly HTMLInputElement[] {
    return [this.free, this.session, this.day, ...this.rungs];
  }
}

/** Stroops; null when the field is empty, undefined when it has something else in it. */
function optional(input: HTMLInputElement, most: bigint): number | null | undefined {
  if (input.value.trim() === "") return null;
  const stroops = parseAmount(input.value);
  return stroops === null || stroops > most ? undefined : Number(stroops);
}
