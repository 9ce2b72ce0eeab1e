// How the browser talks tus to our server, and what it remembers of files that it began to send.
import { defaultOptions, type PreviousUpload, type UploadOptions } from "tus-js-client";

import { fetchAs } from "../server/http";
import { UPLOADS } from "../server/routes";
import { bearerOf } from "../server/signed-in";

/**
 * A browser drops an answer that comes while it still sends, so a refusal is heard between two
 * pieces only. The server knows from a file's first bytes whether it takes it: they go alone.
 */
const FIRST_PIECE_BYTES = 64 * 1024;
/** A second or so of sending, and a small loss when a proxy gives up half-way. */
export const PIECE_BYTES = 16 * 1024 * 1024;

/** Between attempts that pass by themselves: over two minutes before a person is asked. */
const AGAIN_MS = [0, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000, 30_000];

const TUS = "1.0.0";

export function tusOptions(token: string): UploadOptions {
  return {
    endpoint: new URL(UPLOADS, window.location.href).href,
    // For each request anew: a token may be over before a long upload is.
    onBeforeRequest: async (request) => request.setHeader("Authorization", `Bearer ${await bearerOf(token)}`),
    chunkSize: FIRST_PIECE_BYTES,
    retryDelays: AGAIN_MS,
    removeFingerprintOnSuccess: true,
  };
}

/** What was begun with this very file: same name, kind, size and date. The latest first. */
export async function begunWith(file: File, token: string): Promise<PreviousUpload[]> {
  const name = await defaultOptions.fingerprint(file, tusOptions(token));
  const found = await defaultOptions.urlStorage.findUploadsByFingerprint(name);
  return found.sort((a, b) => b.creationTime.localeCompare(a.creationTime));
}

export function allBegun(): Promise<PreviousUpload[]> {
  return defaultOptions.urlStorage.findAllUploads();
}

export function forget({ urlStorageKey }: PreviousUpload): Promise<void> {
  return defaultOptions.urlStorage.removeUpload(urlStorageKey);
}

/**
 * Bytes that the server has of it. Null when there is nothing to go on with: it is not there any
 * more, and then it is forgotten, or not this creator's, or the server cannot be reached.
 */
export async function bytesThere(begun: PreviousUpload, token: string): Promise<number | null> {
  if (begun.uploadUrl === null) return null;
  let response: Response;
  try {
    response = await fetchAs(token, begun.uploadUrl, { method: "HEAD", headers: { "Tus-Resumable": TUS } });
  } catch {
    return null;
  }
  if (response.status === 404 || response.status === 410) await forget(begun);
  const offset = Number(response.headers.get("Upload-Offset") ?? NaN);
  return response.ok && Number.isSafeInteger(offset) ? offset : null;
}
