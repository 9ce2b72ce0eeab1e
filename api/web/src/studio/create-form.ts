// The form that makes a source.
import { createSource } from "../server/routes";
import { Problem } from "../server/http";
import type { NewSource, Source } from "../server/types";
import { element, setText, type Attributes } from "../shell/element";
import { strings } from "../strings";
import { PriceField } from "./price-field";
import { PriceMore } from "./price-more";

const words = strings.studio;

const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const PRICE_AT_FIRST = "0.50";

export type Created = (source: Source, streamKey: string) => void;

/** Opens the form in a dialog; `created` is told of the new source and of its key, shown this once. */
export function openCreateForm(token: string, asset: string, created: Created): void {
  const form = new CreateForm(token, asset, created);
  document.body.append(form.dialog);
  form.dialog.showModal();
}

class CreateForm {
  readonly dialog: HTMLDialogElement;
  private readonly name = input("name", { required: true, maxlength: 64, autocapitalize: "none", placeholder: "my-show" });
  private readonly title = input("title", { maxlength: 120 });
  private readonly price: PriceField;
  private readonly more: PriceMore;
  private readonly error = element("p", { class: "form-error", role: "alert", hidden: true });
  private readonly submit = element("button", { class: "button button-primary" }, words.create);

  constructor(
    private readonly token: string,
    asset: string,
    private readonly created: Created,
  ) {
    this.price = new PriceField("source-price", asset, null, { value: PRICE_AT_FIRST });
    this.more = new PriceMore("source-price", asset, (basis) => this.price.per(basis));
    const form = element(
      "form",
      { class: "form", novalidate: true },
      element("h2", { id: "create-title" }, words.createTitle),
      ...labelled(words.name, this.name, words.nameHint),
      ...labelled(words.title, this.title, words.titleHint),
      this.price.label,
      this.price.input,
      this.price.hint,
      this.more.root,
      this.error,
      element(
        "div",
        { class: "dialog-actions" },
        element("button", { type: "button", class: "button", onclick: () => this.dialog.close() }, strings.common.cancel),
        this.submit,
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    this.dialog = element("dialog", { class: "dialog", "aria-labelledby": "create-title" }, form);
    this.dialog.addEventListener("close", () => this.dialog.remove());
  }

  /** The source as filled in; null after saying what is wrong. */
  private filled(): NewSource | null {
    const name = this.name.value.trim();
    if (!NAME.test(name)) return this.complain(this.name, words.errorName);
    const stroops = this.price.read();
    if (stroops === null) return this.complain(this.price.input, words.errorPrice);
    const extras = this.more.read();
    if (extras instanceof HTMLInputElement) {
      this.more.open();
      return this.complain(extras, words.priceMore.error);
    }
    const title = this.title.value.trim();
    const price = { stroops: Number(stroops), per: this.more.basis, ...extras };
    return title === "" ? { name, price } : { name, title, price };
  }

  private complain(field: HTMLInputElement | null, text: string): null {
    for (const one of [this.name, this.title, this.price.input, ...this.more.inputs]) one.removeAttribute("aria-invalid");
    field?.setAttribute("aria-invalid", "true");
    field?.focus();
    this.error.hidden = false;
    setText(this.error, text);
    return null;
  }

  private async send(): Promise<void> {
    const source = this.filled();
    if (source === null) return;
    this.busy(true);
    try {
      const made = await createSource(this.token, source);
      this.dialog.close();
      this.created(made.source, made.streamKey);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.busy(false);
      this.complain(error.status === 409 ? this.name : null, error.status === 0 ? strings.common.unreachable : error.message);
    }
  }

  private busy(busy: boolean): void {
    this.submit.disabled = busy;
    setText(this.submit, busy ? words.creating : words.create);
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
