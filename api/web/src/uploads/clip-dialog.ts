// Makes a clip of a video: where it begins, where it ends, and what it is called.
import { Problem } from "../server/http";
import { createClip } from "../server/routes";
import type { Content } from "../server/types";
import { clock, seconds } from "../shell/durations";
import { element, setText, type Attributes } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";

const words = strings.uploads.clip;
const TITLE_MOST = 120;
const FIRST_LENGTH_S = 30;

/** Opens the form in a dialog; `made` is told of the clip. */
export function openClipForm(token: string, content: Content, made: (clip: Content) => void): void {
  const form = new ClipForm(token, content, made);
  document.body.append(form.dialog);
  form.dialog.showModal();
}

class ClipForm {
  readonly dialog: HTMLDialogElement;
  private readonly start: HTMLInputElement;
  private readonly end: HTMLInputElement;
  private readonly title: HTMLInputElement;
  private readonly error = element("p", { class: "form-error", role: "alert", hidden: true });
  private readonly submit = element("button", { class: "button button-primary" }, icon("scissors"), words.make);

  constructor(
    private readonly token: string,
    private readonly content: Content,
    private readonly made: (clip: Content) => void,
  ) {
    const duration = content.durationSeconds ?? 0;
    this.start = input("start", { value: clock(0), inputmode: "numeric" });
    this.end = input("end", { value: clock(Math.min(duration, FIRST_LENGTH_S)), inputmode: "numeric" });
    this.title = input("title", { maxlength: TITLE_MOST, value: words.titleOf(content.title || content.id) });
    const form = element(
      "form",
      { class: "form", novalidate: true },
      element("h2", { id: "clip-heading" }, words.heading(content.title || content.id)),
      element("p", {}, words.text(clock(duration))),
      element(
        "div",
        { class: "field-pair" },
        element("div", {}, element("label", { for: this.start.id }, words.start), this.start),
        element("div", {}, element("label", { for: this.end.id }, words.end), this.end),
      ),
      element("p", { class: "hint" }, words.hint),
      element("label", { for: this.title.id }, strings.uploads.title),
      this.title,
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
    this.dialog = element("dialog", { class: "dialog", "aria-labelledby": "clip-heading" }, form);
    this.dialog.addEventListener("close", () => this.dialog.remove());
  }

  private async send(): Promise<void> {
    const from = seconds(this.start.value);
    const to = seconds(this.end.value);
    if (from === null) return this.complain(this.start, words.errorTime);
    if (to === null) return this.complain(this.end, words.errorTime);
    if (to <= from) return this.complain(this.end, words.errorOrder);
    this.submit.disabled = true;
    try {
      const title = this.title.value.trim();
      this.made(await createClip(this.token, this.content.id, { startSeconds: from, endSeconds: to, title }));
      this.dialog.close();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.complain(null, error.status === 0 ? strings.common.unreachable : error.message);
    } finally {
      this.submit.disabled = false;
    }
  }

  private complain(field: HTMLInputElement | null, text: string): void {
    for (const one of [this.start, this.end]) one.removeAttribute("aria-invalid");
    field?.setAttribute("aria-invalid", "true");
    field?.focus();
    this.error.hidden = false;
    setText(this.error, text);
  }
}

function input(name: string, attributes: Attributes): HTMLInputElement {
  return element("input", { id: `clip-${name}`, name, type: "text", autocomplete: "off", ...attributes });
}
