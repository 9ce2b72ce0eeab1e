// What watching costs, before anybody has pressed anything.
import { strings } from "../strings";
import type { Price } from "../server/types";
import { isZero, trimAmount } from "../shell/amounts";
import { element } from "../shell/element";
import { icon } from "../shell/icons";

const words = strings.watch;

/** 0.50 XLM / hour, or Free. */
export function priceLine({ perHour, asset }: Price): string {
  if (isZero(perHour)) return strings.common.free;
  return `${trimAmount(perHour)} ${strings.common.perHour(asset)}`;
}

export function pricePanel(price: Price): HTMLElement {
  return element(
    "section",
    { class: "toll-panel", "aria-labelledby": "price-heading" },
    element("h2", { id: "price-heading", class: "eyebrow" }, words.price),
    isZero(price.perHour)
      ? element("p", { class: "price-big" }, strings.common.free)
      : element("div", { class: "prices" }, ...amounts(price)),
    element("h3", { class: "how-title" }, words.howTitle),
    element("ul", { class: "how" }, ...words.how.map((line) => element("li", {}, icon("check"), line))),
  );
}

function amounts({ perHour, perSecond, asset }: Price): HTMLElement[] {
  const one = (amount: string, unit: string, name: string): HTMLElement =>
    element(
      "p",
      { class: name },
      element("span", { class: "price-amount" }, amount),
      element("span", { class: "price-unit" }, `${asset} ${unit}`),
    );
  return [
    one(trimAmount(perHour), words.perHourLong, "price-big"),
    one(perSecond, words.perSecondLong, "price-small"),
  ];
}
