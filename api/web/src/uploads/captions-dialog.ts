// The captions of a video: which there are, taking one away, adding a file.
import { Problem } from "../server/http";
import { deleteCaptions, putCaptions, readContent } from "../server/routes";
import type { Captions, Content } from "../server/types";
import { languageName } from "../player/track-menu";
import { element, setText, showList } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";

const words = strings.uploads.captions;
const LABEL_MOST = 64;

/** The languages that are offered; any other tag can be written. */
const languages = ["en", "es", "pt", "fr", "de", "it", "nl", "pl", "tr", "ru", "uk", "ar", "hi", "id", "ja", "ko", "zh"];

export function openCaptions(token: string, content: Content): void {
  const dialog = new CaptionsDialog(token, content);
  document.body.append(dialog.root);
  dialog.root.showModal();
}

class CaptionsDialog {
  readonly root: HTMLDialogElement;
  private readonly list = element("ul", { class: "captions-list" });
  private readonly none = element("p", { class: "hint" }, words.none);
  private readonly file = element("input", { id: "captions-file", type: "file", accept: ".vtt,.srt,text/vtt", required: true });
  private readonly language = element("input", {
    id: "captions-language",
    type: "text",
    list: "captions-languages",
    autocomplete: "off",
    value: navigator.language.split("-")[0] ?? "en",
  });
  private readonly label = element("input", { id: "captions-label", type: "text", autocomplete: "off", maxlength: LABEL_MOST });
  private readonly byDefault = element("input", { id: "captions-default", type: "checkbox" });
  private readonly error = element("p", { class: "form-error", role: "alert", hidden: true });
  private readonly submit = element("button", { class: "button button-primary" }, icon("upload"), words.add);

  constructor(
    private readonly token: string,
    private readonly content: Content,
  ) {
    const form = element(
      "form",
      { class: "form", novalidate: true },
      element("label", { for: this.file.id }, words.file),
      this.file,
      element("label", { for: this.language.id }, words.language),
      this.language,
      element(
        "datalist",
        { id: "captions-languages" },
        ...languages.map((value) => element("option", { value }, languageName(value))),
      ),
      element("label", { for: this.label.id }, words.label),
      this.label,
      element("p", { class: "hint" }, words.labelHint),
      element("label", { class: "choice" }, this.byDefault, element("span", {}, words.byDefault)),
      this.error,
      element(
        "div",
        { class: "dialog-actions" },
        element("button", { type: "button", class: "button", onclick: () => this.root.close() }, words.close),
        this.submit,
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    this.root = element(
      "dialog",
      { class: "dialog", "aria-labelledby": "captions-heading" },
      element("h2", { id: "captions-heading" }, words.heading(content.title || content.id)),
      this.none,
      this.list,
      form,
    );
    this.root.addEventListener("close", () => this.root.remove());
    this.show(content.captions);
  }

  private show(captions: readonly Captions[]): void {
    this.none.hidden = captions.length > 0;
    showList(
      this.list,
      captions,
      ({ key }) => key,
      (one) => this.row(one),
      () => undefined,
    );
  }

  private row({ key, language, label }: Captions): HTMLElement {
    const name = label || languageName(language);
    return element(
      "li",
      {},
      element("span", {}, name),
      element("code", {}, key),
      element(
        "button",
        {
          type: "button",
          class: "button button-small",
          "aria-label": words.removeWhich(name),
          onclick: () => void this.change(() => deleteCaptions(this.token, this.content.id, key)),
        },
        icon("trash"),
        strings.uploads.remove,
      ),
    );
  }

  private async send(): Promise<void> {
    const file = this.file.files?.[0];
    if (file === undefined) return this.complain(words.errorFile);
    const language = this.language.value.trim();
    if (language === "") return this.complain(words.errorLanguage);
    const options = { label: this.label.value.trim(), byDefault: this.byDefault.checked };
    await this.change(() => putCaptions(this.token, this.content.id, language, file, options));
  }

  private async change(act: () => Promise<void>): Promise<void> {
    this.error.hidden = true;
    this.submit.disabled = true;
    try {
      await act();
      this.show((await readContent(this.content.id)).captions);
      this.file.value = "";
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.complain(error.status === 0 ? strings.common.unreachable : error.message);
    } finally {
      this.submit.disabled = false;
    }
  }

  private complain(text: string): void {
    this.error.hidden = false;
    setText(this.error, text);
  }
}
