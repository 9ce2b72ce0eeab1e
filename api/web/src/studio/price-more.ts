// What there may be to a price besides: for what, free seconds, caps, and more for better pictures.
import type { Price } from "../server/types";
import { isZero, parseAmount, trimAmount } from "../shell/amounts";
import { element, type Attributes } from "../shell/element";
import { strings } from "../strings";

const words = strings.studio.priceMore;

export type Basis = "second" | "minute" | "hour" | "view";

/** As a request has it; stroops as numbers, which hold them exactly. */
export interface PriceExtras {
  freeSeconds?: number;
  viewStroops?: number;
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
  private readonly view: HTMLInputElement;
  private readonly viewLine: HTMLElement;
  private readonly session: HTMLInputElement;
  private readonly day: HTMLInputElement;
  /** By the height from which on each is paid, the lowest first. */
  private readonly rungs: ReadonlyMap<number, HTMLInputElement>;

  /** Begins with what there is to the `present` price; null is a new one. */
  constructor(id: string, asset: string, present: Price | null, basisChanged: (basis: Basis) => void) {
    const field = (name: string, attributes: Attributes = {}): HTMLInputElement =>
      element("input", { id: `${id}-${name}`, type: "text", inputmode: "decimal", autocomplete: "off", ...attributes });
    const basis = present === null ? "hour" : basisOf(present);
    this.basisField = element(
      "select",
      { id: `${id}-basis` },
      ...bases.map((value) => element("option", { value, selected: value === basis }, words.bases[value])),
    );
    this.basisField.addEventListener("change", () => {
      this.showView();
      basisChanged(this.basis);
    });
    const free = present === null || present.freeSeconds === 0 ? "" : String(present.freeSeconds);
    this.free = field("free", { inputmode: "numeric", placeholder: "0", value: free });
    this.view = field("view", { placeholder: "0.00", value: written(basis === "view" ? null : present?.perView) });
    this.session = field("session-cap", { placeholder: words.noCap, value: cap(present?.sessionCap) });
    this.day = field("day-cap", { placeholder: words.noCap, value: cap(present?.dayCap) });
    this.rungs = new Map(
      rungsOf(present).map(([height, perHour]) => [
        height,
        field(`rung-${height}`, { placeholder: "0.00", value: written(perHour) }),
      ]),
    );
    const labelled = (label: string, input: HTMLElement): HTMLElement =>
      element("div", { class: "price-more-field" }, element("label", { for: input.id }, label), input);
    this.viewLine = labelled(words.view(asset), this.view);
    this.root = element(
      "details",
      { class: "price-more" },
      element("summary", {}, words.summary),
      element(
        "div",
        { class: "price-more-fields" },
        labelled(words.basis, this.basisField),
        this.viewLine,
        labelled(words.free, this.free),
        labelled(words.sessionCap(asset), this.session),
        labelled(words.dayCap(asset), this.day),
        ...[...this.rungs].map(([height, input]) => labelled(words.rung(height, asset), input)),
      ),
      element("p", { class: "hint" }, words.hint),
    );
    this.showView();
    this.root.open = this.inputs.some(({ value }) => value !== "");
  }

  get basis(): Basis {
    return this.basisField.value as Basis;
  }

  /** What was filled in, or the first field in which something else is written. */
  read(): PriceExtras | HTMLInputElement {
    const free = this.free.value.trim();
    if (!/^\d*$/.test(free) || Number(free) > FREE_S_MAX) return this.free;
    const extras: PriceExtras = Number(free) > 0 ? { freeSeconds: Number(free) } : {};
    if (this.basis !== "view") {
      const stroops = optional(this.view, PRICE_MOST);
      if (stroops === undefined) return this.view;
      if (stroops) extras.viewStroops = stroops;
    }
    for (const [input, name] of [[this.session, "sessionCap"], [this.day, "dayCap"]] as const) {
      const stroops = optional(input, CAP_MOST);
      if (stroops === undefined) return input;
      if (stroops !== null) extras[name] = stroops;
    }
    const rungs = [];
    for (const [heightMin, input] of this.rungs) {
      const stroops = optional(input, PRICE_MOST);
      if (stroops === undefined) return input;
      if (stroops) rungs.push({ heightMin, stroops, per: "hour" as const });
    }
    return rungs.length > 0 ? { ...extras, rungs } : extras;
  }

  /** Where the server's name of a part of a price is written; null when that is nowhere here. */
  fieldOf(name: string): HTMLInputElement | null {
    if (name === "rungs") return [...this.rungs.values()].find(({ value }) => value !== "") ?? null;
    const fields = { freeSeconds: this.free, viewStroops: this.view, sessionCap: this.session, dayCap: this.day };
    return new Map<string, HTMLInputElement>(Object.entries(fields)).get(name) ?? null;
  }

  /** A price for a view is the view's own. */
  private showView(): void {
    this.viewLine.hidden = this.basis === "view";
  }

  private get inputs(): readonly HTMLInputElement[] {
    return [this.free, this.view, this.session, this.day, ...this.rungs.values()];
  }
}

/** What a price is for. One for some other time is taken as one for an hour. */
export function basisOf({ stroops, seconds, perView }: Price): Basis {
  if (stroops === "0") return isZero(perView) ? "hour" : "view";
  return seconds === 1 ? "second" : seconds === 60 ? "minute" : "hour";
}

/** The heights that can be filled in, with what each costs an hour now. */
function rungsOf(present: Price | null): [number, string | undefined][] {
  const costs = new Map(present?.rungs.map(({ heightMin, perHour }) => [heightMin, perHour]));
  const offered = [...new Set([...heights, ...costs.keys()])].sort((one, other) => one - other);
  return offered.map((height) => [height, costs.get(height)]);
}

/** An amount as a person writes it; what costs nothing is left empty. */
function written(amount: string | null | undefined): string {
  return !amount || isZero(amount) ? "" : trimAmount(amount);
}

/** As `written`, but a cap of nothing is one. */
function cap(amount: string | null | undefined): string {
  return amount ? trimAmount(amount) : "";
}

/** Stroops; null when the field is empty, undefined when it has something else in it. */
function optional(input: HTMLInputElement, most: bigint): number | null | undefined {
  if (input.value.trim() === "") return null;
  const stroops = parseAmount(input.value);
  return stroops === null || stroops > most ? undefined : Number(stroops);
}
