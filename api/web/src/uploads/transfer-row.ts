// One file on its way, as a line of the list: how far it is, how long it will take, what can be done.
import { size, spell } from "../shell/durations";
import { element, setText } from "../shell/element";
import { icon, type IconName } from "../shell/icons";
import { strings } from "../strings";
import { Bar } from "./bar";
import type { Outbox } from "./outbox";
import type { Transfer } from "./transfer";

const words = strings.uploads;

export class TransferRow {
  readonly root: HTMLElement;
  private readonly bar: Bar;
  private readonly line = element("p", { class: "upload-sentence" });
  private readonly code = element("p", { class: "hint upload-code" });
  private readonly pause: HTMLButtonElement;
  private readonly goOn: HTMLButtonElement;
  private readonly again: HTMLButtonElement;
  private readonly cancel: HTMLButtonElement;

  constructor(transfer: Transfer, outbox: Outbox) {
    const name = transfer.title || transfer.file.name;
    const action = (drawn: IconName, word: string, run: () => void): HTMLButtonElement =>
      element(
        "button",
        { type: "button", class: "button button-small", "aria-label": words.of(word, name), onclick: run },
        icon(drawn),
        word,
      );
    this.bar = new Bar(words.sendingOf(name));
    this.pause = action("pause", words.pause, () => transfer.pause());
    this.goOn = action("play", words.goOn, () => transfer.queue());
    this.again = action("upload", strings.common.retry, () => transfer.queue());
    this.cancel = action("close", strings.common.cancel, () => outbox.cancel(transfer));
    this.root = element(
      "li",
      { class: "upload" },
      element("div", { class: "upload-picture upload-picture-none" }, icon("film")),
      element(
        "div",
        { class: "upload-body" },
        element("h3", { class: "upload-title" }, name),
        element("p", { class: "upload-line" }, `${transfer.file.name} · ${size(transfer.file.size)}`),
        this.bar.root,
        this.line,
        this.code,
      ),
      element("div", { class: "upload-actions" }, this.pause, this.goOn, this.again, this.cancel),
    );
    transferRows.set(this.root, this);
  }

  update(transfer: Transfer): void {
    const { state, refusal, sent, file } = transfer;
    const said = sentence(transfer);
    this.root.dataset["state"] = state;
    this.bar.update(sent / Math.max(1, file.size), said);
    this.bar.root.classList.toggle("bar-busy", state === "finishing" || state === "reconnecting");
    setText(this.line, said);
    this.code.hidden = (refusal?.code ?? "") === "";
    setText(this.code, words.code(refusal?.code ?? ""));
    this.pause.hidden = !transfer.busy;
    this.goOn.hidden = state !== "paused";
    this.again.hidden = state !== "failed" || refusal?.again !== true;
    this.cancel.hidden = state === "done";
  }
}

/** The row of an element that `showList` kept. */
export const transferRows = new WeakMap<HTMLElement, TransferRow>();

function sentence(transfer: Transfer): string {
  const percent = Math.floor((100 * transfer.sent) / Math.max(1, transfer.file.size));
  switch (transfer.state) {
    case "queued":
      return words.turn;
    case "sending":
      return sendingWords(transfer, percent);
    case "paused":
      return words.paused(percent);
    case "reconnecting":
      return words.reconnecting(percent);
    case "finishing":
      return words.finishing;
    case "done":
      return words.sent;
    case "failed":
      return transfer.refusal?.text ?? "";
  }
}

function sendingWords({ sent, file, pace }: Transfer, percent: number): string {
  const left = pace.secondsFor(file.size - sent);
  const parts = [words.percent(percent), words.bytesOf(size(sent), size(file.size))];
  if (pace.speed !== null) parts.push(words.speed(size(pace.speed)));
  if (left !== null) parts.push(words.left(spell(Math.max(1, left))));
  return parts.join(" · ");
}
