// What watching costs, before anybody has pressed anything.
import { strings } from "../strings";
import type { Price } from "../server/types";
import { isZero, trimAmount } from "../shell/amounts";
import { codeOf } from "../shell/asset";
import { element } from "../shell/element";
import { icon } from "../shell/icons";

const words = strings.watch;

/** Whether nothing costs anything, in whatever pictures. */
export function isFree({ perHour, perView, rungs }: Price): boolean {
  return [perHour, perView, ...rungs.map((rung) => rung.perHour)].every(isZero);
}

/** 0.50 XLM / hour, 1.00 XLM / view, both, or Free. */
export function priceLine(price: Price): string {
  const { perHour, perView } = price;
  if (isFree(price)) return strings.common.free;
  const code = codeOf(price.asset);
  const view = isZero(perView) ? [] : [`${trimAmount(perView)} ${strings.common.perView(code)}`];
  const hour = isZero(perHour) && view.length > 0 ? [] : [`${trimAmount(perHour)} ${strings.common.perHour(code)}`];
  return [...view, ...hour].join(" + ");
}

/** What else there is to know about a price, a line for each. */
export function termsOf({ asset, freeSeconds, perView, rungs, sessionCap, dayCap }: Price): string[] {
  const code = codeOf(asset);
  const { terms } = words;
  return [
    ...(freeSeconds > 0 ? [terms.free(freeSeconds)] : []),
    ...(isZero(perView) ? [] : [terms.view(trimAmount(perView), code)]),
    ...rungs.map(({ heightMin, perHour }) => terms.rung(heightMin, trimAmount(perHour), code)),
    ...(sessionCap === null ? [] : [terms.sessionCap(trimAmount(sessionCap), code)]),
    ...(dayCap === null ? [] : [terms.dayCap(trimAmount(dayCap), code)]),
  ];
}

export function pricePanel(price: Price): HTMLElement {
  const terms = termsOf(price);
  return element(
    "section",
    { class: "toll-panel", "aria-labelledby": "price-heading" },
    element("h2", { id: "price-heading", class: "eyebrow" }, words.price),
    isFree(price)
      ? element("p", { class: "price-big" }, strings.common.free)
      : element("div", { class: "prices" }, ...amounts(price)),
    terms.length > 0 && element("ul", { class: "price-terms" }, ...terms.map((line) => element("li", {}, line))),
    element("h3", { class: "how-title" }, words.howTitle),
    element("ul", { class: "how" }, ...words.how.map((line) => element("li", {}, icon("check"), line))),
  );
}

function amounts({ perHour, perSecond, perView, asset }: Price): HTMLElement[] {
  const code = codeOf(asset);
  const one = (amount: string, unit: string, name: string): HTMLElement =>
    element(
      "p",
      { class: name },
      element("span", { class: "price-amount" }, amount),
      element("span", { class: "price-unit" }, `${code} ${unit}`),
    );
  if (isZero(perHour) && !isZero(perView)) return [one(trimAmount(perView), words.perViewLong, "price-big")];
  return [
    one(trimAmount(perHour), words.perHourLong, "price-big"),
    one(perSecond, words.perSecondLong, "price-small"),
  ];
}
