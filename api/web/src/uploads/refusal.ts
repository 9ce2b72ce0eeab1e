// Why a file could not be sent, in words, and whether trying again can help.
import { DetailedError } from "tus-js-client";

import { Problem, problemIn } from "../server/http";
import { strings } from "../strings";

const words = strings.uploads;

export interface Refusal {
  text: string;
  /** The server's name for it, for whoever looks after the server; empty without one. */
  code: string;
  /** The same file may go through later. */
  again: boolean;
}

/** Statuses after which the same request may succeed: locked, early, or broken on its way. */
const passing: ReadonlySet<number> = new Set([0, 408, 409, 423, 425, 460]);
/** Server errors that waiting for does not mend: not implemented, and no room. */
const lasting: ReadonlySet<number> = new Set([501, 505, 507]);

/** What a person can mend: signing in, room for it, fewer at once. */
const remedied: ReadonlySet<number> = new Set([401, 413, 429, 507]);

/** For answers without a problem document, as a proxy in between gives them. */
const byStatus: Readonly<Record<number, string>> = {
  0: words.unreachable,
  401: words.signedOut,
  403: words.notYours,
  413: words.tooLarge,
  415: words.notMedia,
  429: words.tooMany,
  507: words.full,
};

export function statusOf(error: Error): number {
  return error instanceof DetailedError ? (error.originalResponse?.getStatus() ?? 0) : 0;
}

/** Whether the same request is worth sending again by itself. */
export function passes(status: number): boolean {
  return passing.has(status) || (status >= 500 && !lasting.has(status));
}

export function refusalOf(error: Error): Refusal {
  const status = statusOf(error);
  const body = error instanceof DetailedError ? (error.originalResponse?.getBody() ?? "") : "";
  return refusalIn(problemIn(status, body));
}

export function refusalIn({ status, code, title, detail }: Problem): Refusal {
  const ofServer = (text: string): string => (status === 0 ? "" : text);
  return {
    text: words.byCode[code] ?? (ofServer(detail || title) || (byStatus[status] ?? words.refused(status))),
    code: status === 0 ? "" : code,
    again: passes(status) || remedied.has(status),
  };
}
