// A form in a dialog: its heading, its fields, what is wrong shown at the field, and its two buttons.
import { Problem } from "../server/http";
import { strings } from "../strings";
import { element, setText, type Child } from "./element";

export interface FormFrame {
  /** Names the dialog on its page: the id of its heading begins with it. */
  name: string;
  heading: string;
  submit: readonly (Node | string)[];
  /** What the button of the form says while the server is asked. */
  busy?: string;
  /** For a dialog that is left open by its form. */
  cancel?: string;
}

export class FormDialog {
  readonly root: HTMLDialogElement;
  private readonly form: HTMLFormElement;
  private readonly error: HTMLElement;
  private readonly actions: HTMLElement;
  private readonly submit: HTMLButtonElement;

  /** `send` is called when the person is done; the dialog stays open until it is closed. */
  constructor(
    private readonly frame: FormFrame,
    fields: readonly Child[],
    send: () => void,
  ) {
    const headingId = `${frame.name}-heading`;
    this.error = element("p", { class: "form-error", id: `${frame.name}-error`, role: "alert", hidden: true });
    this.submit = element("button", { class: "button button-primary" }, ...frame.submit);
    this.actions = element(
      "div",
      { class: "dialog-actions" },
      element("button", { type: "button", class: "button", onclick: () => this.close() }, frame.cancel ?? strings.common.cancel),
      this.submit,
    );
    this.form = element(
      "form",
      { class: "form", novalidate: true },
      element("h2", { id: headingId }, frame.heading),
      ...fields,
      this.error,
      this.actions,
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      send();
    });
    this.root = element("dialog", { class: "dialog", "aria-labelledby": headingId }, this.form);
    this.root.addEventListener("close", () => this.root.remove());
  }

  open(): void {
    document.body.append(this.root);
    this.root.showModal();
  }

  close(): void {
    this.root.close();
  }

  /** Says what is wrong, at the field that it is about; null is about none of them. */
  complain(field: HTMLElement | null, text: string): null {
    this.calm();
    if (field === null) this.actions.before(this.error);
    else this.point(field);
    this.error.hidden = false;
    setText(this.error, text);
    return null;
  }

  /** Asks the server with the button disabled. Says whether it agreed; why it did not is shown, at a field of `fieldOf`. */
  async ask(request: () => Promise<void>, fieldOf: (problem: Problem) => HTMLElement | null = () => null): Promise<boolean> {
    this.calm();
    this.setBusy(true);
    try {
      await request();
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.complain(fieldOf(error), error.status === 0 ? strings.common.unreachable : error.message);
      return false;
    } finally {
      this.setBusy(false);
    }
  }

  private calm(): void {
    this.error.hidden = true;
    for (const field of this.form.querySelectorAll("[aria-invalid]")) {
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-errormessage");
    }
  }

  private point(field: HTMLElement): void {
    const folded = field.closest("details");
    if (folded !== null) folded.open = true;
    field.after(this.error);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-errormessage", this.error.id);
    field.focus();
  }

  private setBusy(busy: boolean): void {
    const { submit, busy: word } = this.frame;
    this.submit.disabled = busy;
    if (word !== undefined) this.submit.replaceChildren(...(busy ? [word] : submit));
  }
}
