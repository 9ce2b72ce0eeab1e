// One request to the server: JSON in, JSON out, and every failure as a Problem.

/** After this long without an answer a request counts as failed; the slowest honest one takes far less. */
const DEADLINE_MS = 10_000;

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

export interface RequestOptions {
  token?: string | undefined;
  body?: unknown;
  /** Sent as it is, in place of a JSON body. */
  file?: Blob;
  /** Lets the request outlive the page that sent it. */
  keepalive?: boolean;
  /** Sent again with the same key, the request has its effect once. */
  key?: string;
}

/** A key for one wish of the person at the page, however often it has to be sent. */
export function newKey(): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Sends one request and returns its parsed answer. Throws Problem, and nothing else. */
export async function request<Answer>(
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  { token, body, file, keepalive = false, key }: RequestOptions = {},
): Promise<Answer> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key !== undefined) headers["Idempotency-Key"] = key;
  if (file !== undefined) headers["Content-Type"] = file.type || "text/vtt";
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      keepalive,
      body: file ?? (body === undefined ? null : JSON.stringify(body)),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    // 204 says that there is nothing to say: whoever asks for that asks for `void`.
    if (response.ok) return (response.status === 204 ? undefined : await response.json()) as Answer;
  } catch (error) {
    throw new Problem(0, "unreachable", "unreachable", error instanceof Error ? error.message : "");
  }
  throw await problemOf(response);
}

/** As `request` for something that is no JSON to be parsed. */
export async function requestFile(path: string, token: string): Promise<Blob> {
  let response: Response;
  try {
    const headers = { Authorization: `Bearer ${token}` };
    response = await fetch(path, { headers, signal: AbortSignal.timeout(DEADLINE_MS) });
    if (response.ok) return await response.blob();
  } catch (error) {
    throw new Problem(0, "unreachable", "unreachable", error instanceof Error ? error.message : "");
  }
  throw await problemOf(response);
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
