// The passes that something is offered with: an amount for each, or none.
import type { NewPass, PassOffer } from "../server/types";
import { parseAmount, trimAmount } from "../shell/amounts";
import { element } from "../shell/element";
import { strings } from "../strings";

const words = strings.studio.passes;

/** A day, a week and 30 days; one that was set in another way is listed as well. */
const offered = [24, 168, 720] as const;
/** The server's own bound on a price, in stroops. */
const MOST = 10n ** 12n;

export class PassesField {
  readonly root: HTMLDetailsElement;
  /** By the hours of each, the shortest first. */
  private readonly fields: ReadonlyMap<number, HTMLInputElement>;
  private readonly before: string;

  constructor(id: string, asset: string, present: readonly PassOffer[]) {
    const costs = new Map(present.map(({ hours, amount }) => [hours, amount]));
    const hours = [...new Set([...offered, ...costs.keys()])].sort((one, other) => one - other);
    this.fields = new Map(hours.map((each) => [each, field(`${id}-pass-${each}`, costs.get(each))]));
    this.root = element(
      "details",
      { class: "price-passes", open: present.length > 0 },
      element("summary", {}, words.summary),
      element(
        "div",
        { class: "price-more-fields" },
        ...[...this.fields].map(([each, input]) =>
          element(
            "div",
            { class: "price-more-field" },
            element("label", { for: input.id }, `${strings.passes.name(each)}, ${asset}`),
            input,
          ),
        ),
      ),
      element("p", { class: "hint" }, words.hint),
    );
    this.before = JSON.stringify(this.filled());
  }

  /** Where the server's complaint about passes is shown. */
  get first(): HTMLInputElement | null {
    const inputs = [...this.fields.values()];
    return inputs.find(({ value }) => value !== "") ?? inputs[0] ?? null;
  }

  /** What was filled in; null where that is what there was, or the field in which something else is written. */
  read(): NewPass[] | null | HTMLInputElement {
    const filled = this.filled();
    if (filled instanceof HTMLInputElement) return filled;
    return JSON.stringify(filled) === this.before ? null : filled;
  }

  private filled(): NewPass[] | HTMLInputElement {
    const passes = [];
    for (const [hours, input] of this.fields) {
      if (input.value.trim() === "") continue;
      const stroops = parseAmount(input.value);
      if (stroops === null || stroops === 0n || stroops > MOST) return input;
      passes.push({ hours, stroops: Number(stroops) });
    }
    return passes;
  }
}

function field(id: string, amount: string | undefined): HTMLInputElement {
  const value = amount === undefined ? "" : trimAmount(amount);
  return element("input", { id, type: "text", inputmode: "decimal", autocomplete: "off", placeholder: "0.00", value });
}
