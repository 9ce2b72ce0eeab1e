// The files on their way: a few at a time, the others wait for their turn.
import type { PreviousUpload } from "tus-js-client";

import { Transfer, metadataOf, type Details } from "./transfer";

/** More at once would only share the same line, and make each of them late. */
const AT_ONCE_MOST = 2;

/** A file that was begun before, with the bytes that the server has of it. */
export interface Begun {
  previous: PreviousUpload;
  sent: number;
}

export class Outbox {
  transfers: Transfer[] = [];

  /** `changed` is told of each change; `arrived` of each file that the server has all of. */
  constructor(
    private readonly token: string,
    private readonly changed: () => void,
    private readonly arrived: (transfer: Transfer) => void,
  ) {}

  /** Sends a file from its beginning. */
  send(file: File, details: Details): void {
    this.add(file, details.title, metadataOf(file, details), null);
  }

  /** Sends the rest of a file. Its title and price were told when it was begun. */
  goOn(file: File, begun: Begun): void {
    const { metadata } = begun.previous;
    this.add(file, metadata["title"] ?? file.name, metadata, begun);
  }

  /** Whether leaving the page would interrupt something. */
  get busy(): boolean {
    return this.transfers.some((transfer) => transfer.busy || transfer.state === "queued");
  }

  cancel(transfer: Transfer): void {
    this.drop(transfer);
    void transfer.cancel();
  }

  /** Takes it off the list, whose place something else has taken. */
  drop(transfer: Transfer): void {
    this.transfers = this.transfers.filter((one) => one !== transfer);
    this.note();
  }

  /** Pauses all: they are gone on with on another visit. */
  close(): void {
    for (const transfer of this.transfers) {
      if (transfer.busy || transfer.state === "queued") transfer.pause();
    }
  }

  private add(file: File, title: string, metadata: Record<string, string>, begun: Begun | null): void {
    const transfer: Transfer = new Transfer(file, title, this.token, metadata, begun, () => {
      if (transfer.state === "done") this.arrived(transfer);
      this.note();
    });
    this.transfers.push(transfer);
    this.note();
  }

  private note(): void {
    const free = AT_ONCE_MOST - this.transfers.filter(({ busy }) => busy).length;
    const next = free > 0 ? this.transfers.find(({ state }) => state === "queued") : undefined;
    // Starting it comes back here for the one after it.
    if (next !== undefined) next.start();
    else this.changed();
  }
}
