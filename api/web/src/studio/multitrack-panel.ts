// OBS's configuration for sending every quality itself, to be pasted or saved.
import { Problem } from "../server/http";
import { readObsMultitrack } from "../server/routes";
import { copyText } from "../shell/copy";
import { element, setText } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";

const words = strings.studio.multitrack;

export class MultitrackPanel {
  readonly root: HTMLElement;
  private readonly said = element("p", { class: "hint", role: "status" });

  constructor(
    private readonly token: string,
    private readonly sourceId: string,
    private readonly name: string,
  ) {
    const button = (label: string, drawn: "copy" | "download", use: (text: string) => Promise<void> | void): HTMLElement =>
      element(
        "button",
        { type: "button", class: "button button-small", onclick: () => void this.fetch(use) },
        icon(drawn),
        label,
      );
    this.root = element(
      "div",
      { class: "tab-panel" },
      element("p", { class: "hint" }, words.lead),
      element("ol", { class: "steps-list" }, ...words.steps.map((step) => element("li", {}, step))),
      element(
        "div",
        { class: "field-parts" },
        button(words.copy, "copy", async (text) => {
          await copyText(text);
          setText(this.said, words.copied);
        }),
        button(words.download, "download", (text) => this.save(text)),
      ),
      this.said,
    );
  }

  private async fetch(use: (text: string) => Promise<void> | void): Promise<void> {
    try {
      await use(JSON.stringify(await readObsMultitrack(this.token, this.sourceId), null, 2));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setText(this.said, error.status === 0 ? strings.common.unreachable : error.message);
    }
  }

  /** The route wants the creator's token, which a plain link cannot send. */
  private save(text: string): void {
    const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    const link = element("a", { href: address, download: `${this.name}-obs-multitrack.json` });
    link.click();
    URL.revokeObjectURL(address);
    setText(this.said, words.saved);
  }
}
