// Makes a clip of a video: where it begins, where it ends, and what it is called.
import { createClip } from "../server/routes";
import type { Content } from "../server/types";
import { clock, seconds } from "../shell/durations";
import { element, type Attributes } from "../shell/element";
import { FormDialog } from "../shell/form-dialog";
import { icon } from "../shell/icons";
import { strings } from "../strings";

const words = strings.uploads.clip;
const TITLE_MOST = 120;
const FIRST_LENGTH_S = 30;

/** Opens the form in a dialog; `made` is told of the clip. */
export function openClipForm(token: string, content: Content, made: (clip: Content) => void): void {
  new ClipForm(token, content, made).dialog.open();
}

class ClipForm {
  readonly dialog: FormDialog;
  private readonly start: HTMLInputElement;
  private readonly end: HTMLInputElement;
  private readonly title: HTMLInputElement;

  constructor(
    private readonly token: string,
    private readonly content: Content,
    private readonly made: (clip: Content) => void,
  ) {
    const duration = content.durationSeconds ?? 0;
    const name = content.title || content.id;
    this.start = input("start", { value: clock(0), inputmode: "numeric" });
    this.end = input("end", { value: clock(Math.min(duration, FIRST_LENGTH_S)), inputmode: "numeric" });
    this.title = input("title", { maxlength: TITLE_MOST, value: words.titleOf(name) });
    const fields = [
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
    ];
    const frame = { name: "clip", heading: words.heading(name), submit: [icon("scissors"), words.make] };
    this.dialog = new FormDialog(frame, fields, () => void this.send());
  }

  private async send(): Promise<void> {
    const from = seconds(this.start.value);
    const to = seconds(this.end.value);
    if (from === null) return void this.dialog.complain(this.start, words.errorTime);
    if (to === null) return void this.dialog.complain(this.end, words.errorTime);
    if (to <= from) return void this.dialog.complain(this.end, words.errorOrder);
    const clip = { startSeconds: from, endSeconds: to, title: this.title.value.trim() };
    const done = await this.dialog.ask(async () => this.made(await createClip(this.token, this.content.id, clip)));
    if (done) this.dialog.close();
  }
}

function input(name: string, attributes: Attributes): HTMLInputElement {
  return element("input", { id: `clip-${name}`, name, type: "text", autocomplete: "off", ...attributes });
}
