// Files that an earlier visit began to send: with the same file in hand they go on where they stopped.
import { Upload, type PreviousUpload } from "tus-js-client";

import { size } from "../shell/durations";
import { element } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";
import { allBegun, bytesThere, forget, tusOptions } from "./endpoint";
import type { Begun } from "./outbox";

const words = strings.uploads;

/** What this browser began as this creator, and the server still has a part of. */
export async function interrupted(token: string): Promise<Begun[]> {
  const found = await Promise.all(
    (await allBegun()).map(async (previous) => ({ previous, sent: await bytesThere(previous, token) })),
  );
  const open = found.filter((begun): begun is Begun => begun.sent !== null);
  // One that the server has all of has become content: there is nothing to go on with.
  const complete = open.filter(({ previous, sent }) => sent === previous.size);
  await Promise.all(complete.map(({ previous }) => forget(previous)));
  return open.filter((begun) => !complete.includes(begun));
}

/** Gives one up for good. */
export async function discard(previous: PreviousUpload, token: string): Promise<void> {
  await forget(previous);
  if (previous.uploadUrl === null) return;
  try {
    await Upload.terminate(previous.uploadUrl, { ...tusOptions(token), retryDelays: null });
  } catch {
    // What nobody goes on with expires at the server by itself.
  }
}

/** Its line in the list; `choose` asks for the file again. */
export function interruptedRow({ previous, sent }: Begun, choose: () => void, drop: () => void): HTMLElement {
  const file = previous.metadata["filename"] ?? "";
  const name = previous.metadata["title"] || file;
  const percent = Math.floor((100 * sent) / Math.max(1, previous.size ?? 1));
  return element(
    "li",
    { class: "upload", "data-state": "interrupted" },
    element("div", { class: "upload-picture upload-picture-none" }, icon("film")),
    element(
      "div",
      { class: "upload-body" },
      element("h3", { class: "upload-title" }, name),
      element("p", { class: "upload-line" }, `${file} · ${size(previous.size ?? 0)}`),
      element("p", { class: "upload-sentence" }, words.interrupted(percent)),
    ),
    element(
      "div",
      { class: "upload-actions" },
      element(
        "button",
        { type: "button", class: "button button-small button-primary", "aria-label": words.of(words.chooseSame, name), onclick: choose },
        icon("folder"),
        words.chooseSame,
      ),
      element(
        "button",
        { type: "button", class: "button button-small", "aria-label": words.of(words.discard, name), onclick: drop },
        icon("close"),
        words.discard,
      ),
    ),
  );
}
