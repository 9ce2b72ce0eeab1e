// What the server refuses, and how its refusals are read.

/** What the server (or the way to it) refused, as RFC 9457 describes it. `status` is 0 without an answer. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
  ) {
    super(detail || title);
    this.name = "Problem";
  }
}

/** The refusal that is no answer at all. */
export function unreachable(error: unknown): Problem {
  return new Problem(0, "unreachable", "unreachable", error instanceof Error ? error.message : "");
}

/** Reads the refusal in `response`; a body that is no problem document leaves the status line's words. */
export async function problemOf(response: Response): Promise<Problem> {
  let body = "";
  try {
    body = await response.text();
  } catch {
    // The answer broke off; the status alone then says what happened.
  }
  return problemIn(response.status, body, response.statusText);
}

/** The refusal that an answer's `body` describes; `title` is for a body that is no problem document. */
export function problemIn(status: number, body: string, title = ""): Problem {
  let document: Partial<Record<"code" | "title" | "detail", unknown>> = {};
  try {
    document = (JSON.parse(body) as typeof document | null) ?? {};
  } catch {
    // A proxy in between may answer with its own page.
  }
  const word = (value: unknown): string => (typeof value === "string" ? value : "");
  return new Problem(status, word(document.code), word(document.title) || title, word(document.detail));
}
