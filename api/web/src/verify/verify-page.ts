// Files come in, each is checked here, and a card says what came out.
import { guestToken } from "../guest";
import { Problem } from "../server/http";
import { readReceipt } from "../server/routes";
import { DropZone } from "../shell/drop-zone";
import { element } from "../shell/element";
import { notice, replaceWith } from "../shell/notice";
import { strings } from "../strings";
import { canVerify, checkReceipt } from "./check";
import { failureCard, resultCard } from "./result-card";
import { serverKeys } from "./server-keys";

const words = strings.verify;

/** As RECEIPT_BYTES_MAX in config/limits.py. */
const BYTES_MAX = 2 * 1024 * 1024;

export class VerifyPage {
  readonly root: HTMLElement;
  private readonly zone = new DropZone((files) => void this.take(files), words, ".json,application/json", "check");
  private readonly results = element("div", { class: "verify-results", "aria-live": "polite" });
  private readonly message = element("div");
  private readonly keys = serverKeys();

  constructor() {
    this.root = element(
      "div",
      { class: "verify" },
      element("h1", {}, words.heading),
      element("p", { class: "lead" }, words.lead),
      this.message,
      this.results,
      this.zone.root,
    );
  }

  /** Begins to take files; an address that ends with `#session=…` names a receipt of the server's. */
  async open(): Promise<void> {
    if (!(await canVerify())) {
      this.zone.root.remove();
      const { unsupported: title, unsupportedText: text } = words;
      replaceWith(this.message, notice({ name: "unsupported", icon: "alert", title, text }));
      return;
    }
    this.zone.open();
    const session = new URLSearchParams(window.location.hash.slice(1)).get("session");
    if (session !== null) await this.load(session);
  }

  private async load(session: string): Promise<void> {
    replaceWith(this.message, notice({ name: "checking", icon: "clock", title: words.checking, text: "", busy: true }));
    try {
      const file = await readReceipt(await guestToken(), session);
      replaceWith(this.message);
      await this.check(file, session);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const { gone: title, goneText: text } = words;
      replaceWith(this.message, notice({ name: "gone", icon: "alert", title, text }));
    }
  }

  private async take(files: readonly File[]): Promise<void> {
    replaceWith(this.message);
    this.results.replaceChildren();
    for (const file of files) await this.check(file, file.name);
  }

  private async check(file: Blob, name: string): Promise<void> {
    if (file.size > BYTES_MAX) {
      this.results.append(failureCard(name, words.tooLong));
      return;
    }
    let data: ArrayBuffer;
    try {
      data = await file.arrayBuffer();
    } catch (error) {
      // It was moved or forbidden since it was chosen.
      if (!(error instanceof DOMException)) throw error;
      this.results.append(failureCard(name, error.message));
      return;
    }
    this.results.append(resultCard(name, await checkReceipt(new Uint8Array(data)), await this.keys));
  }
}
