// Downloads an account's statement over some days.
import { Problem } from "../server/http";
import { readStatement } from "../server/routes";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";
import { saveFile } from "../shell/save-file";
import { strings } from "../strings";

const words = strings.account;

const DAY_MS = 86_400_000;

/** Days are the server's: they begin at midnight UTC, wherever the reader is. */
const day = (at: Date): string => at.toISOString().slice(0, 10);

export class StatementForm {
  readonly root: HTMLElement;
  private readonly from: HTMLInputElement;
  private readonly to: HTMLInputElement;
  private readonly format = element(
    "select",
    { id: "statement-format" },
    element("option", { value: "csv" }, words.csv),
    element("option", { value: "json" }, words.json),
  );
  private readonly word = element("span", {}, words.download);
  private readonly button = element("button", { class: "button" }, icon("download"), this.word);
  private readonly problem = element("p", { class: "form-error", role: "alert", hidden: true });

  constructor(
    private readonly token: string,
    today: Date,
  ) {
    const field = (id: string, value: string): HTMLInputElement =>
      element("input", { id, type: "date", required: true, value });
    this.from = field("statement-from", `${day(today).slice(0, 8)}01`);
    this.to = field("statement-to", day(today));
    const form = element(
      "form",
      { class: "form statement-form" },
      element("label", { for: "statement-from" }, words.from),
      this.from,
      element("label", { for: "statement-to" }, words.to),
      this.to,
      element("label", { for: "statement-format" }, words.format),
      this.format,
      this.button,
      this.problem,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.download();
    });
    this.root = element(
      "section",
      { class: "panel", "aria-labelledby": "statement-heading" },
      element("h2", { id: "statement-heading", class: "eyebrow" }, words.statement),
      element("p", { class: "muted" }, words.statementText),
      form,
    );
  }

  private async download(): Promise<void> {
    const first = this.from.value;
    const last = this.to.value;
    if (first > last) return this.fail(words.badPeriod);
    const format = this.format.value === "json" ? "json" : "csv";
    const end = day(new Date(Date.parse(last) + DAY_MS));
    this.problem.hidden = true;
    this.button.disabled = true;
    setText(this.word, words.downloading);
    try {
      saveFile(await readStatement(this.token, first, end, format), `tollcast-${first}-${last}.${format}`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.fail(words.downloadFailed(error.message));
    }
    this.button.disabled = false;
    setText(this.word, words.download);
  }

  private fail(text: string): void {
    setText(this.problem, text);
    this.problem.hidden = false;
  }
}
