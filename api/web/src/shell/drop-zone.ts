// Where files are given to a page: dropped anywhere on it, or chosen with a button.
import { element } from "./element";
import { icon, type IconName } from "./icons";

export interface DropWords {
  choose: string;
  drop: string;
  dropHint: string;
}

export class DropZone {
  readonly root: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly button: HTMLButtonElement;
  /** Elements that a drag is over: entering a child comes before leaving its parent. */
  private depth = 0;
  private readonly listening = new AbortController();
  private answer: (files: File[]) => void;

  /** `accept` is what the system's file dialog shows at first: other files can be chosen all the same. */
  constructor(
    private readonly taken: (files: File[]) => void,
    words: DropWords,
    accept: string,
    picture: IconName = "film",
  ) {
    this.answer = taken;
    this.input = element("input", { type: "file", multiple: true, accept, hidden: true, "aria-label": words.choose });
    this.input.addEventListener("change", () => this.noteChosen());
    this.button = element(
      "button",
      { type: "button", class: "button button-primary", id: "choose-files", onclick: () => this.choose() },
      icon("upload"),
      words.choose,
    );
    this.root = element(
      "div",
      { class: "drop-zone" },
      element("span", { class: "notice-icon" }, icon(picture)),
      element("p", { class: "drop-title" }, words.drop),
      element("p", { class: "hint" }, words.dropHint),
      this.button,
      this.input,
    );
  }

  /** Begins to watch what is dragged over the page. */
  open(): void {
    const { signal } = this.listening;
    const files = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
    const on = (name: "dragenter" | "dragover" | "dragleave" | "drop", act: (event: DragEvent) => void): void =>
      window.addEventListener(name, (event) => void (files(event) && act(event)), { signal });
    on("dragenter", () => this.hover(this.depth + 1));
    on("dragleave", () => this.hover(this.depth - 1));
    // Otherwise the browser would leave the page and open the file itself.
    on("dragover", (event) => event.preventDefault());
    on("drop", (event) => {
      event.preventDefault();
      this.hover(0);
      if (event.dataTransfer !== null) this.taken(filesOf(event.dataTransfer));
    });
  }

  close(): void {
    this.listening.abort();
  }

  focus(): void {
    this.button.focus();
  }

  /** Opens the system's file dialog; what is chosen goes to `answer`, once. */
  choose(answer: (files: File[]) => void = this.taken): void {
    this.answer = answer;
    this.input.click();
  }

  private noteChosen(): void {
    const files = [...(this.input.files ?? [])];
    // The same file chosen again is a change as well.
    this.input.value = "";
    if (files.length > 0) this.answer(files);
  }

  private hover(depth: number): void {
    this.depth = Math.max(0, depth);
    this.root.classList.toggle("drop-over", this.depth > 0);
  }
}

/** The files of a drop; folders are left out. */
function filesOf({ items, files }: DataTransfer): File[] {
  const plain = [...items].filter((item) => item.webkitGetAsEntry()?.isDirectory !== true);
  if (items.length === 0) return [...files];
  return plain.map((item) => item.getAsFile()).filter((file) => file !== null);
}
