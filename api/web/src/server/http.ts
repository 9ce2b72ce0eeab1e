// One request to the server: JSON in, JSON out, and every failure as a Problem.
import { Problem, problemOf, unreachable } from "./problem";
import { SIGNED_IN, bearerOf, renew } from "./signed-in";

export { Problem, problemIn, problemOf } from "./problem";

/** After this long without an answer a request counts as failed; the slowest honest one takes far less. */
const DEADLINE_MS = 10_000;

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
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key !== undefined) headers["Idempotency-Key"] = key;
  if (file !== undefined) headers["Content-Type"] = file.type || "text/vtt";
  let response: Response;
  try {
    const sent = file ?? (body === undefined ? null : JSON.stringify(body));
    const signal = AbortSignal.timeout(DEADLINE_MS);
    response = await fetchAs(token, path, { method, headers, keepalive, body: sent, signal });
    // 204 says that there is nothing to say: whoever asks for that asks for `void`.
    if (response.ok) return (response.status === 204 ? undefined : await response.json()) as Answer;
  } catch (error) {
    throw error instanceof Problem ? error : unreachable(error);
  }
  throw await problemOf(response);
}

/** As `request` for something that is no JSON to be parsed. */
export async function requestFile(path: string, token: string): Promise<Blob> {
  let response: Response;
  try {
    response = await fetchAs(token, path, { signal: AbortSignal.timeout(DEADLINE_MS) });
    if (response.ok) return await response.blob();
  } catch (error) {
    throw error instanceof Problem ? error : unreachable(error);
  }
  throw await problemOf(response);
}

export type Sent = RequestInit & { headers?: Record<string, string> };

/**
 * `fetch` for whoever has the token. Who signed in is renewed once when the server does not take what
 * is shown: it may have been started anew. Throws Problem when that is refused.
 */
export async function fetchAs(token: string | undefined, path: string, sent: Sent): Promise<Response> {
  if (token === undefined) return fetch(path, sent);
  const showing = (shown: string): Promise<Response> =>
    fetch(path, { ...sent, headers: { ...sent.headers, Authorization: `Bearer ${shown}` } });
  const bearer = bearerOf(token);
  // Not awaited for nothing: a page that is going away sends at once or never.
  const shown = typeof bearer === "string" ? bearer : await bearer;
  const response = await showing(shown);
  if (response.status !== 401 || token !== SIGNED_IN) return response;
  return showing(await renew(shown));
}
