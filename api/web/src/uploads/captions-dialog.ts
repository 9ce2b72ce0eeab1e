// The captions of a video: which there are, taking one away, adding a file.
import { deleteCaptions, putCaptions, readContent } from "../server/routes";
import type { Captions, Content } from "../server/types";
import { languageName } from "../player/track-menu";
import { element, showList } from "../shell/element";
import { FormDialog } from "../shell/form-dialog";
import { icon } from "../shell/icons";
import { strings } from "../strings";

const words = strings.uploads.captions;
const LABEL_MOST = 64;

/** The languages that are offered; any other tag can be written. */
const languages = ["en", "es", "pt", "fr", "de", "it", "nl", "pl", "tr", "ru", "uk", "ar", "hi", "id", "ja", "ko", "zh"];

export function openCaptions(token: string, content: Content): void {
  new CaptionsDialog(token, content).dialog.open();
}

class CaptionsDialog {
  readonly dialog: FormDialog;
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

  constructor(
    private readonly token: string,
    private readonly content: Content,
  ) {
    const fields = [
      this.none,
      this.list,
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
    ];
    const heading = words.heading(content.title || content.id);
    const frame = { name: "captions", heading, submit: [icon("upload"), words.add], cancel: words.close };
    this.dialog = new FormDialog(frame, fields, () => void this.send());
    this.show(content.captions);
  }

  private show(captions: readonly Captions[]): void {
    this.none.hidden = captions.length > 0;
    this.list.hidden = captions.length === 0;
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
    if (file === undefined) return void this.dialog.complain(this.file, words.errorFile);
    const language = this.language.value.trim();
    if (language === "") return void this.dialog.complain(this.language, words.errorLanguage);
    const options = { label: this.label.value.trim(), byDefault: this.byDefault.checked };
    await this.change(() => putCaptions(this.token, this.content.id, language, file, options));
  }

  private async change(act: () => Promise<void>): Promise<void> {
    await this.dialog.ask(async () => {
      await act();
      this.show((await readContent(this.content.id)).captions);
      this.file.value = "";
    });
  }
}
