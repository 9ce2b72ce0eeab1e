// How to publish to a source: server, key, and what to paste where.
import { regenerateKey } from "../server/routes";
import { Problem } from "../server/http";
import type { Source } from "../server/types";
import { copyButton } from "../shell/copy";
import { element, setText } from "../shell/element";
import { icon, setIcon } from "../shell/icons";
import { strings } from "../strings";
import { ffmpegCommand, gstreamerCommand } from "./commands";
import { MultitrackPanel } from "./multitrack-panel";
import { askForGrace } from "./new-key-dialog";
import { tabs } from "./tabs";

const words = strings.studio;
const DOTS = "•".repeat(20);

export class PublishPanel {
  readonly root: HTMLElement;
  /** Known only after it was made here; the server keeps a hash. */
  private key: string | null = null;
  private shown = false;
  private readonly keyField = element("code", { class: "value key-value" });
  private readonly eyeIcon = icon("eye");
  private readonly eye: HTMLButtonElement;
  private readonly copyKey: HTMLButtonElement;
  private readonly hint = element("p", { class: "hint key-hint" });
  private readonly problem = element("p", { class: "form-error", role: "alert", hidden: true });
  private readonly commands: { code: HTMLElement; make: (key: string) => string }[] = [];
  private readonly notes: HTMLElement[] = [];
  private readonly obsKey = element("code", { class: "value key-value" });

  constructor(
    private readonly token: string,
    private readonly source: Source,
    /** Told after a new key was made. */
    private readonly renewed: () => void,
  ) {
    const { rtmpUrl, rtmpsUrl } = source;
    this.eye = element(
      "button",
      { type: "button", class: "button button-small button-icon", onclick: () => this.reveal(!this.shown) },
      this.eyeIcon,
    );
    this.copyKey = copyButton(words.key, () => this.key ?? "");
    const fresh = element(
      "button",
      { type: "button", class: "button button-small new-key", onclick: () => void this.renew() },
      icon("key"),
      words.newKey,
    );
    this.root = element(
      "div",
      { class: "publish" },
      address(words.server, rtmpUrl),
      rtmpsUrl !== null && address(words.secureServer, rtmpsUrl),
      rtmpsUrl !== null && element("p", { class: "hint" }, words.secureServerHint),
      field(words.key, this.keyField, this.eye, this.copyKey, fresh),
      this.hint,
      this.problem,
      tabs(`publish-${source.id}`, words.publish, [
        { name: "obs", label: words.obs, panel: this.obsPanel() },
        this.commandTab("ffmpeg", words.ffmpeg, (key) => ffmpegCommand(rtmpUrl, key)),
        this.commandTab("gstreamer", words.gstreamer, (key) => gstreamerCommand(rtmpUrl, key)),
        { name: "multitrack", label: words.obsMultitrack, panel: new MultitrackPanel(token, source.id, source.name).root },
      ]),
    );
    this.reveal(false);
  }

  /** Takes a key that was just made; it is kept only as long as the page. */
  setKey(key: string): void {
    this.key = key;
    this.reveal(false);
  }

  private reveal(shown: boolean): void {
    this.shown = shown && this.key !== null;
    const visible = this.shown && this.key !== null ? this.key : DOTS;
    setText(this.keyField, visible);
    setText(this.obsKey, visible);
    const known = this.key !== null;
    this.root.classList.toggle("key-known", known);
    this.eye.hidden = !known;
    this.copyKey.hidden = !known;
    setIcon(this.eyeIcon, this.shown ? "eyeOff" : "eye");
    this.eye.setAttribute("aria-label", this.shown ? words.hideKey : words.showKey);
    this.eye.setAttribute("aria-pressed", String(this.shown));
    setText(this.hint, known ? words.keyOnce : words.keyHidden);
    for (const { code, make } of this.commands) {
      setText(code, make(known ? visible : words.commandKey));
    }
    for (const note of this.notes) setText(note, known ? words.commandReady : words.commandNote);
  }

  private async renew(): Promise<void> {
    const graceSeconds = await askForGrace();
    if (graceSeconds === null) return;
    this.problem.hidden = true;
    try {
      this.setKey((await regenerateKey(this.token, this.source.id, graceSeconds)).streamKey);
      this.renewed();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.problem.hidden = false;
      setText(this.problem, error.status === 0 ? strings.common.unreachable : error.message);
    }
  }

  private obsPanel(): HTMLElement {
    const row = (name: string, value: HTMLElement): HTMLElement =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value));
    return element(
      "div",
      { class: "tab-panel" },
      element(
        "dl",
        { class: "obs-values" },
        row(words.obsService, element("span", { class: "value" }, words.obsServiceValue)),
        row(words.server, element("code", { class: "value" }, this.source.rtmpUrl)),
        row(words.key, this.obsKey),
      ),
      element("ol", { class: "steps-list" }, ...words.obsSteps.map((step) => element("li", {}, step))),
    );
  }

  private commandTab(name: string, label: string, make: (key: string) => string) {
    const code = element("code");
    const note = element("span");
    this.commands.push({ code, make });
    this.notes.push(note);
    const panel = element(
      "div",
      { class: "tab-panel" },
      element("p", { class: "hint" }, words.commandText, " ", note),
      element("pre", { class: "command", tabindex: 0, "aria-label": `${label} ${words.command}` }, code),
      copyButton(`${label} ${words.command}`, () => make(this.key ?? words.commandKey)),
    );
    return { name, label, panel };
  }
}

function address(label: string, url: string): HTMLElement {
  return field(label, element("code", { class: "value" }, url), copyButton(label, () => url));
}

function field(label: string, ...parts: HTMLElement[]): HTMLElement {
  return element(
    "div",
    { class: "field" },
    element("span", { class: "field-label" }, label),
    element("div", { class: "field-parts" }, ...parts),
  );
}
