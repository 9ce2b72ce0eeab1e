// What viewers will see of new files, and what it costs them: asked for before anything is sent.
import { size } from "../shell/durations";
import { element } from "../shell/element";
import { FormDialog } from "../shell/form-dialog";
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
  new DraftForm(files, asset, send).dialog.open();
}

class DraftForm {
  readonly dialog: FormDialog;
  private readonly price: PriceField;
  private readonly titles: HTMLInputElement[];
  private readonly delivery = new DeliveryField("upload-delivery");

  constructor(
    private readonly files: File[],
    asset: string,
    private readonly send: (drafts: Draft[]) => void,
  ) {
    this.price = new PriceField("upload-price", asset, words.priceDefault, { placeholder: words.pricePlaceholder });
    this.titles = files.map((file, index) => titleInput(file, index));
    const fields = [
      element("ul", { class: "drafts" }, ...this.titles.map((input, index) => this.row(input, index))),
      ...this.price.nodes,
      this.delivery.label,
      this.delivery.select,
      this.delivery.hint,
    ];
    const frame = { name: "draft", heading: words.draftTitle(files.length), submit: [icon("upload"), words.send] };
    this.dialog = new FormDialog(frame, fields, () => this.submit());
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
      return void this.dialog.complain(this.price.input, strings.studio.errorPrice);
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
