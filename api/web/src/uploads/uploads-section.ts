// The studio's videos: giving files, seeing them on their way, and what there is to watch.
import { Problem } from "../server/http";
import { createDownload, deleteContent } from "../server/routes";
import type { Content } from "../server/types";
import { pathOf } from "../shell/address";
import { Announcer } from "../shell/announcer";
import { confirmed } from "../shell/confirm";
import { DropZone } from "../shell/drop-zone";
import { element, setText, showList } from "../shell/element";
import { notice, replaceWith } from "../shell/notice";
import { strings } from "../strings";
import { openContentPrice } from "../studio/price-dialog";
import { priceLine } from "../watch/price";
import type { EventFeed, FeedState } from "../server/event-feed";
import { openCaptions } from "./captions-dialog";
import { openClipForm } from "./clip-dialog";
import { contentFeed } from "./content-feed";
import { ContentRow, contentRows, type ContentTools } from "./content-row";
import { openDraftForm } from "./draft-form";
import { begunWith, bytesThere } from "./endpoint";
import { discard, interrupted, interruptedRow } from "./interrupted";
import { Outbox, type Begun } from "./outbox";
import { stageOf, type Stage } from "./progress";
import { refusalIn } from "./refusal";
import { TransferRow, transferRows } from "./transfer-row";

const words = strings.uploads;

/** Kinds that systems know as neither video nor audio are named. */
const ACCEPT = "video/*,audio/*,.mkv,.webm,.mov,.flv,.ts,.m2ts,.mts,.ogv,.flac,.aac";

export class UploadsSection {
  readonly root: HTMLElement;
  private readonly zone = new DropZone((files) => void this.take(files), strings.uploads, ACCEPT);
  private readonly outbox: Outbox;
  private readonly feed: EventFeed<{ items: Content[] }>;
  private readonly message = element("div");
  private readonly problem = element("p", { class: "form-error uploads-problem", role: "alert", hidden: true });
  private readonly waiting = element("ul", { class: "uploads-list", "aria-label": words.interruptedList });
  private readonly sending = element("ul", { class: "uploads-list", "aria-label": words.sendingList });
  private readonly list = element("ul", { class: "uploads-list", "aria-label": words.list });
  private readonly announcer = new Announcer();
  private readonly tools: ContentTools = {
    remove: (content) => void this.remove(content),
    clip: (content) => openClipForm(this.token, content, (clip) => this.noteClip(clip)),
    captions: (content) => openCaptions(this.token, content),
    price: (content) => openContentPrice(this.token, content, (changed) => this.notePrice(changed)),
    download: (content) => void this.download(content),
  };
  private begun: Begun[] = [];
  /** Null until the server has said what there is. */
  private contents: Content[] | null = null;
  /** Taken away here, although an answer that was under way may still list them. */
  private readonly removed = new Set<string>();
  private readonly stages = new Map<string, Stage>();

  /** `asset` is asked for what prices are in; `refused` is told that the token is not valid. */
  constructor(
    private readonly token: string,
    private readonly asset: () => string,
    refused: () => void,
  ) {
    this.outbox = new Outbox(token, () => this.showTransfers(), ({ title, file }) => {
      this.announcer.say(words.sentSaid(title || file.name));
    });
    this.feed = contentFeed(token, {
      changed: ({ items }) => this.showContents(items),
      stateChanged: (state) => this.noteFeed(state),
      refused,
    });
    this.root = element(
      "section",
      { class: "uploads", "aria-labelledby": "uploads-heading" },
      element("h2", { id: "uploads-heading" }, words.heading),
      this.zone.root,
      this.problem,
      this.waiting,
      this.sending,
      this.message,
      this.list,
      this.announcer.region,
    );
    replaceWith(this.message, notice({ name: "uploads-loading", icon: "film", title: words.loading, text: "", busy: true }));
  }

  open(): void {
    this.zone.open();
    void this.feed.run();
    void this.findInterrupted();
    window.addEventListener("beforeunload", this.warn);
  }

  close(): void {
    this.zone.close();
    this.feed.stop();
    this.outbox.close();
    window.removeEventListener("beforeunload", this.warn);
  }

  /** Opens the system's file dialog, from elsewhere on the page. */
  choose(): void {
    this.root.scrollIntoView({ block: "start" });
    this.zone.choose();
  }

  // --- taking files ---

  private async take(files: File[]): Promise<void> {
    this.problem.hidden = true;
    const fresh: File[] = [];
    for (const file of files) {
      if (this.outbox.transfers.some((one) => isSame(one.file, file))) continue;
      if (file.size === 0) this.complain(words.empty(file.name));
      else if (!(await this.goOn(file))) fresh.push(file);
    }
    if (fresh.length === 0) return;
    openDraftForm(fresh, this.asset(), (drafts) => {
      for (const { file, details } of drafts) this.outbox.send(file, details);
    });
  }

  /** Sends the rest of a file that was begun before; says whether it was. */
  private async goOn(file: File): Promise<boolean> {
    for (const previous of await begunWith(file, this.token)) {
      const sent = await bytesThere(previous, this.token);
      if (sent === null) continue;
      this.begun = this.begun.filter((one) => one.previous.urlStorageKey !== previous.urlStorageKey);
      this.showInterrupted();
      this.outbox.goOn(file, { previous, sent });
      return true;
    }
    return false;
  }

  private async findInterrupted(): Promise<void> {
    this.begun = await interrupted(this.token);
    this.showInterrupted();
  }

  private showInterrupted(): void {
    showList(
      this.waiting,
      this.begun,
      ({ previous }) => previous.urlStorageKey,
      (begun) => interruptedRow(begun, () => this.chooseAgain(begun), () => this.discard(begun)),
      () => undefined,
    );
  }

  private chooseAgain({ previous }: Begun): void {
    this.zone.choose(([file]) => void (file !== undefined && this.takeAgain(file, previous.urlStorageKey)));
  }

  private async takeAgain(file: File, key: string): Promise<void> {
    const same = (await begunWith(file, this.token)).some(({ urlStorageKey }) => urlStorageKey === key);
    if (same) await this.take([file]);
    else this.complain(words.otherFile(file.name));
  }

  private discard(begun: Begun): void {
    this.begun = this.begun.filter((one) => one !== begun);
    this.showInterrupted();
    this.zone.focus();
    void discard(begun.previous, this.token);
  }

  private complain(text: string): void {
    this.problem.hidden = false;
    setText(this.problem, text);
  }

  private readonly warn = (event: BeforeUnloadEvent): void => {
    if (this.outbox.busy) event.preventDefault();
  };

  // --- showing them ---

  private showTransfers(): void {
    const focused = document.activeElement;
    const row = this.sending.contains(focused) ? focused?.closest<HTMLElement>(".upload") : null;
    showList(
      this.sending,
      this.outbox.transfers,
      ({ key }) => key,
      (transfer) => new TransferRow(transfer, this.outbox).root,
      (made, transfer) => transferRows.get(made)?.update(transfer),
    );
    if (row && !focused?.checkVisibility()) this.focusNear(row);
    this.showEmpty();
  }

  /** What had the focus in this row is gone, perhaps with the row: the keyboard stays near. */
  private focusNear(row: HTMLElement): void {
    const near = row.querySelector<HTMLElement>("button:not([hidden])");
    if (row.isConnected && near !== null) near.focus();
    else this.zone.focus();
  }

  private showContents(items: readonly Content[]): void {
    const videos = items.filter(({ id, state }) => state !== "live" && state !== "waiting" && !this.removed.has(id));
    this.contents = videos;
    showList(
      this.list,
      videos,
      ({ id }) => id,
      (content) => new ContentRow(content, this.tools).root,
      (made, content) => contentRows.get(made)?.update(content),
    );
    for (const content of videos) this.announce(content);
    this.dropArrived();
    this.showEmpty();
  }

  /** A file that is listed as content is no longer on its way. */
  private dropArrived(): void {
    const known = new Set(this.contents?.map(({ id }) => id));
    for (const transfer of this.outbox.transfers) {
      const { state, contentId } = transfer;
      if (state === "done" && (contentId === null || known.has(contentId))) this.outbox.drop(transfer);
    }
  }

  private announce(content: Content): void {
    const stage = stageOf(content);
    const before = this.stages.get(content.id);
    this.stages.set(content.id, stage);
    if (before === undefined || before === stage) return;
    this.announcer.say(words.of(words.stages[stage], content.title || content.id));
  }

  private showEmpty(): void {
    if (this.contents === null) return;
    const empty = this.contents.length + this.outbox.transfers.length + this.begun.length === 0;
    if (!empty) replaceWith(this.message);
    else replaceWith(this.message, element("p", { class: "hint uploads-none" }, words.none));
  }

  private noteFeed(state: FeedState): void {
    if (state !== "lost" || this.contents !== null) return;
    const { unreachable, unreachableText } = strings.common;
    replaceWith(this.message, notice({ name: "uploads-lost", icon: "alert", title: unreachable, text: unreachableText }));
  }

  // --- what can be done with them ---

  private noteClip({ id, title }: Content): void {
    this.announcer.say(words.clip.made(title || id));
  }

  private notePrice({ id, title, price, passes }: Content): void {
    this.showContents((this.contents ?? []).map((one) => (one.id === id ? { ...one, price, passes } : one)));
    this.announcer.say(words.priceSaid(title || id, priceLine(price)));
  }

  /** The browser asks for the file itself, and shows how far it is. */
  private async download({ id }: Content): Promise<void> {
    this.problem.hidden = true;
    try {
      const { url } = await createDownload(this.token, id);
      element("a", { href: pathOf(url) ?? url, download: true }).click();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.complain(error.message || words.downloadFailed);
    }
  }

  // --- taking away ---

  private async remove(content: Content): Promise<void> {
    const { id, title } = content;
    const stage = stageOf(content);
    const question = stage === "ready" || content.playable ? words.removeReady : words.removeUnready;
    const over = stage === "ready" || stage === "failed" || stage === "cancelled";
    const confirm = over ? words.removeConfirm : words.cancelConfirm;
    const heading = over ? words.removeTitle(title || id) : words.cancelTitle(title || id);
    if (!(await confirmed({ title: heading, text: question, confirm, keep: words.keep }))) return;
    this.problem.hidden = true;
    try {
      await deleteContent(this.token, id);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // Somebody was faster: it is gone, as was asked for.
      if (error.status !== 404) return this.complain(refusalIn(error).text);
    }
    this.removed.add(id);
    this.zone.focus();
    this.showContents(this.contents ?? []);
  }
}

function isSame(one: File, other: File): boolean {
  return one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;
}
