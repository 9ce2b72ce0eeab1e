// The form that makes a source.
import { createSource } from "../server/routes";
import type { NewSource, Source } from "../server/types";
import { element, type Attributes } from "../shell/element";
import { FormDialog } from "../shell/form-dialog";
import { strings } from "../strings";
import { PriceForm } from "./price-form";

const words = strings.studio;

const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;

export type Created = (source: Source, streamKey: string) => void;

/** Opens the form in a dialog; `created` is told of the new source and of its key, shown this once. */
export function openCreateForm(token: string, asset: string, created: Created): void {
  new CreateForm(token, asset, created).dialog.open();
}

class CreateForm {
  readonly dialog: FormDialog;
  private readonly name = input("name", { required: true, maxlength: 64, autocapitalize: "none", placeholder: "my-show" });
  private readonly title = input("title", { maxlength: 120 });
  private readonly price: PriceForm;

  constructor(
    private readonly token: string,
    asset: string,
    private readonly created: Created,
  ) {
    this.price = new PriceForm("source-price", asset, null);
    const fields = [
      ...labelled(words.name, this.name, words.nameHint),
      ...labelled(words.title, this.title, words.titleHint),
      ...this.price.nodes,
    ];
    const frame = { name: "create", heading: words.createTitle, submit: [words.create], busy: words.creating };
    this.dialog = new FormDialog(frame, fields, () => void this.send());
  }

  /** The source as filled in; null after saying what is wrong. */
  private filled(): NewSource | null {
    const name = this.name.value.trim();
    if (!NAME.test(name)) return this.dialog.complain(this.name, words.errorName);
    const offer = this.price.read((field, text) => this.dialog.complain(field, text));
    if (offer === null) return null;
    const title = this.title.value.trim();
    return title === "" ? { name, ...offer } : { name, title, ...offer };
  }

  private async send(): Promise<void> {
    const source = this.filled();
    if (source === null) return;
    await this.dialog.ask(
      async () => {
        const made = await createSource(this.token, source);
        this.dialog.close();
        this.created(made.source, made.streamKey);
      },
      (problem) => (problem.status === 409 ? this.name : this.price.fieldOf(problem)),
    );
  }
}

function input(name: string, attributes: Attributes): HTMLInputElement {
  return element("input", { id: `source-${name}`, name, type: "text", autocomplete: "off", spellcheck: "false", ...attributes });
}

function labelled(label: string, field: HTMLInputElement, hint: string): HTMLElement[] {
  const id = `${field.id}-hint`;
  field.setAttribute("aria-describedby", id);
  return [element("label", { for: field.id }, label), field, element("p", { class: "hint", id }, hint)];
}
