// The picture before the picture: one large button, and what it will cost.
import { strings } from "../strings";
import type { Content, Price } from "../server/types";
import { isZero } from "../shell/amounts";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";
import { Picture } from "../shell/picture";
import { codeOf } from "../shell/asset";
import { isFree, priceLine } from "./price";

const words = strings.watch;

export class Poster {
  readonly root: HTMLElement;
  private readonly picture: Picture;
  private readonly word = element("span", {}, words.watch);
  private readonly button: HTMLButtonElement;

  /** `shaped` is told the poster's width by height. */
  constructor(content: Content, start: () => void, shaped: (ratio: number) => void) {
    const { id, price } = content;
    this.picture = new Picture(id, shaped);
    this.button = element(
      "button",
      { type: "button", class: "button button-primary button-large", id: "watch", onclick: start },
      icon("play"),
      this.word,
    );
    this.root = element(
      "div",
      { class: "poster" },
      this.picture.root,
      element(
        "div",
        { class: "poster-words" },
        element(
          "p",
          { class: "poster-price" },
          priceLine(price),
          !isZero(price.perHour) &&
            element("small", {}, strings.common.perSecond(price.perSecond, codeOf(price.asset))),
        ),
        this.button,
        element("p", { class: "poster-promise" }, promiseOf(price)),
      ),
    );
    this.update(content);
  }

  update({ posterUrl }: Content): void {
    this.picture.update(posterUrl);
  }

  /** Between the press and the picture. */
  busy(busy: boolean): void {
    this.button.disabled = busy;
    this.button.classList.toggle("button-busy", busy);
    setText(this.word, busy ? words.starting : words.watch);
  }
}

function promiseOf(price: Price): string {
  if (isFree(price)) return words.freePromise;
  return isZero(price.perView) ? words.promise : words.viewPromise;
}
