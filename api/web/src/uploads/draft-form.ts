// What viewers will see of new files, and what it costs them: asked for before anything is sent.
import { size } from "../shell/durations";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";
import { DeliveryField } from "../studio/delivery-field";
import { PriceField } from "../studio/price-field";
import { strings } from "../strings";
import type { Details } from "./transfer";

const words = strings.uploads;
const TITLE_MOST = 120;

export interface Draft {
  file: File;
  details: Details;
}

/** Opens the form in a dialog; closing it in any other way than with its button sends nothing. */
export function openDraftForm(files: File[], asset: string, send: (drafts: Draft[]) => void): void {
  const form = new DraftForm(files, asset, send);
  document.body.append(form.dialog);
  form.dialog.showModal();
}

class DraftForm {
  readonly dialog: HTMLDialogElement;
  private readonly price: PriceField;
  private readonly titles: HTMLInputElement[];
  private readonly delivery = new DeliveryField("upload-delivery");
  private readonly error = element("p", { class: "form-error", role: "alert", hidden: true });

  constructor(
    private readonly files: File[],
    asset: string,
    private readonly send: (drafts: Draft[]) => void,
  ) {
    this.price = new PriceField("upload-price", asset, words.priceDefault, { placeholder: words.pricePlaceholder });
    this.titles = files.map((file, index) => titleInput(file, index));
    const form = element(
      "form",
      { class: "form", novalidate: true },
      element("h2", { id: "draft-title" }, words.draftTitle(files.length)),
      element("ul", { class: "drafts" }, ...this.titles.map((input, index) => this.row(input, index))),
      this.price.label,
      this.price.input,
      this.price.hint,
      this.delivery.label,
      this.delivery.select,
      this.delivery.hint,
      this.error,
      element(
        "div",
        { class: "dialog-actions" },
        element("button", { type: "button", class: "button", onclick: () => this.dialog.close() }, strings.common.cancel),
        element("button", { class: "button button-primary" }, icon("upload"), words.send),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.dialog = element("dialog", { class: "dialog", "aria-labelledby": "draft-title" }, form);
    this.dialog.addEventListener("close", () => this.dialog.remove());
  }

  private row(input: HTMLInputElement, index: number): HTMLElement {
    const file = this.files[index];
    return element(
      "li",
      {},
      element("label", { for: input.id }, words.title),
      input,
      element("p", { class: "hint draft-file", id: `${input.id}-hint` }, file === undefined ? "" : `${file.name} · ${size(file.size)}`),
    );
  }

  private submit(): void {
    const hourlyStroops = this.price.empty ? null : this.price.read();
    if (!this.price.empty && hourlyStroops === null) {
      this.price.input.setAttribute("aria-invalid", "true");
      this.price.input.focus();
      this.error.hidden = false;
      return setText(this.error, strings.studio.errorPrice);
    }
    const title = (index: number): string => this.titles[index]?.value.trim() ?? "";
    const delivery = this.delivery.value;
    this.send(this.files.map((file, index) => ({ file, details: { title: title(index), hourlyStroops, delivery } })));
    this.dialog.close();
  }
}

function titleInput({ name }: File, index: number): HTMLInputElement {
  return element("input", {
    id: `upload-title-${index}`,
    name: "title",
    "aria-describedby": `upload-title-${index}-hint`,
    type: "text",
    autocomplete: "off",
    maxlength: TITLE_MOST,
    value: titleOf(name),
  });
}

/** A first title from a file's name: my_summer.holiday.mp4 becomes "my summer holiday". */
export function titleOf(name: string): string {
  const stem = name.replace(/\.[A-Za-z0-9]{1,5}$/, "");
  return stem.replace(/[._\s]+/g, " ").trim().slice(0, TITLE_MOST);
}
