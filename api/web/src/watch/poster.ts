// The picture before the picture: one large button, and what it will cost.
import { strings } from "../strings";
import type { Content } from "../server/types";
import { isZero } from "../shell/amounts";
import { art } from "../shell/art";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";
import { priceLine } from "./price";

const words = strings.watch;

export class Poster {
  readonly root: HTMLElement;
  private readonly word = element("span", {}, words.watch);
  private readonly button: HTMLButtonElement;

  constructor({ id, price }: Content, start: () => void) {
    this.button = element(
      "button",
      { type: "button", class: "button button-primary button-large", id: "watch", onclick: start },
      icon("play"),
      this.word,
    );
    this.root = element(
      "div",
      { class: "poster" },
      art(id),
      element(
        "div",
        { class: "poster-words" },
        element(
          "p",
          { class: "poster-price" },
          priceLine(price),
          !isZero(price.perHour) &&
            element("small", {}, strings.common.perSecond(price.perSecond, price.asset)),
        ),
        this.button,
        element("p", { class: "poster-promise" }, isZero(price.perHour) ? words.freePromise : words.promise),
      ),
    );
  }

  /** Between the press and the picture. */
  busy(busy: boolean): void {
    this.button.disabled = busy;
    this.button.classList.toggle("button-busy", busy);
    setText(this.word, busy ? words.starting : words.watch);
  }
}
