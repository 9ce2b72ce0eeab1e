// One file on its way to the server: sent in pieces, paused, gone on with, given up.
import { Upload, type HttpResponse, type PreviousUpload } from "tus-js-client";

import type { Delivery } from "../server/types";
import { HOUR_S } from "../studio/price-field";
import { PIECE_BYTES, tusOptions } from "./endpoint";
import { Pace } from "./pace";
import { passes, refusalOf, statusOf, type Refusal } from "./refusal";

export type TransferState =
  | "queued"
  | "sending"
  | "paused"
  /** The connection is gone; it goes on by itself. */
  | "reconnecting"
  /** All is sent; the server looks at it. */
  | "finishing"
  | "done"
  | "failed";

/** What the server is told about the file. */
export interface Details {
  title: string;
  /** Stroops an hour; null leaves the price to the server. */
  hourlyStroops: bigint | null;
  delivery: Delivery;
}

export class Transfer {
  private static made = 0;
  readonly key = `transfer-${(Transfer.made += 1)}`;
  state: TransferState = "queued";
  sent: number;
  refusal: Refusal | null = null;
  /** What the file has become; known when it is done. */
  contentId: string | null = null;
  readonly pace = new Pace();
  private readonly upload: Upload;

  constructor(
    readonly file: File,
    readonly title: string,
    token: string,
    metadata: Record<string, string>,
    begun: { previous: PreviousUpload; sent: number } | null,
    private readonly changed: () => void,
  ) {
    this.sent = begun?.sent ?? 0;
    this.upload = new Upload(file, {
      ...tusOptions(token),
      metadata,
      onProgress: (sent) => this.noteSent(sent),
      onChunkComplete: () => {
        this.upload.options.chunkSize = PIECE_BYTES;
      },
      onShouldRetry: (error) => this.noteTrouble(error),
      onAfterResponse: (_request, response) => this.noteResponse(response),
      onSuccess: () => this.become("done"),
      onError: (error) => this.noteError(error),
    });
    if (begun !== null) this.upload.resumeFromPreviousUpload(begun.previous);
  }

  /** Sending, or about to without being asked: it has one of the places. */
  get busy(): boolean {
    return this.state === "sending" || this.state === "reconnecting" || this.state === "finishing";
  }

  start(): void {
    this.refusal = null;
    this.pace.forget();
    this.become("sending");
    this.upload.start();
  }

  pause(): void {
    this.leave();
    void this.upload.abort();
    this.become("paused");
  }

  /** Waits for its turn again. */
  queue(): void {
    this.refusal = null;
    this.become("queued");
  }

  /** Takes it back: the server drops what it has. */
  async cancel(): Promise<void> {
    this.leave();
    try {
      await this.upload.abort(true);
    } catch {
      // What nobody goes on with expires at the server by itself.
    }
  }

  private become(state: TransferState): void {
    this.state = state;
    this.changed();
  }

  private noteSent(sent: number): void {
    this.sent = sent;
    this.pace.note(sent, performance.now());
    this.become(sent >= this.file.size ? "finishing" : "sending");
  }

  private noteTrouble(error: Error): boolean {
    if (!passes(statusOf(error)) || !navigator.onLine) return false;
    this.pace.forget();
    this.become("reconnecting");
    return true;
  }

  private noteResponse(response: HttpResponse): void {
    this.contentId = response.getHeader("Tollcast-Content-Id") ?? this.contentId;
  }

  private noteError(error: Error): void {
    this.pace.forget();
    if (statusOf(error) === 0 && !navigator.onLine) {
      window.addEventListener("online", this.goOn, { once: true });
      return this.become("reconnecting");
    }
    this.refusal = refusalOf(error);
    this.become("failed");
  }

  private readonly goOn = (): void => this.start();

  private leave(): void {
    window.removeEventListener("online", this.goOn);
  }
}

/** The metadata of a new upload, as the server reads it. */
export function metadataOf(file: File, { title, hourlyStroops, delivery }: Details): Record<string, string> {
  const metadata: Record<string, string> = { filename: file.name, delivery };
  if (title !== "") metadata["title"] = title;
  if (hourlyStroops !== null) {
    metadata["priceStroops"] = String(hourlyStroops);
    metadata["priceSeconds"] = String(HOUR_S);
  }
  return metadata;
}
