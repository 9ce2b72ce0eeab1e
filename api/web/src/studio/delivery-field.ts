// Chooses how media is delivered, with a sentence on what each way means.
import type { Delivery } from "../server/types";
import { element, setText } from "../shell/element";
import { strings } from "../strings";

const words = strings.studio.settings;
const deliveries: readonly Delivery[] = ["direct", "keys", "keys-cbcs"];

export class DeliveryField {
  readonly label: HTMLLabelElement;
  readonly select: HTMLSelectElement;
  readonly hint: HTMLElement;

  constructor(id: string) {
    this.label = element("label", { for: id }, words.delivery);
    this.select = element(
      "select",
      { id, "aria-describedby": `${id}-hint` },
      ...deliveries.map((value) => element("option", { value }, words.deliveries[value])),
    );
    this.hint = element("p", { class: "hint", id: `${id}-hint` });
    this.select.addEventListener("change", () => this.showHint());
    this.showHint();
  }

  get value(): Delivery {
    return this.select.value as Delivery;
  }

  set value(delivery: Delivery) {
    this.select.value = delivery;
    this.showHint();
  }

  private showHint(): void {
    setText(this.hint, words.deliveryHints[this.value]);
  }
}
