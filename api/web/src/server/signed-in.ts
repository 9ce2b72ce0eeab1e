// Who signed in with this browser: short tokens for requests, and how the next ones are had.
//
// The rest of the pages hold `SIGNED_IN` where they would hold a token that is good for ever; what is
// really sent is looked up here when a request is made.
import { readStored, removeStored, writeStored } from "../shell/stored";
import { Problem, problemOf, unreachable } from "./problem";
import type { Granted, User } from "./types";

export const SIGNED_IN = "signed-in";

const NAME = "session";
const REFRESH = "/api/v1/auth/refresh";
const DEADLINE_MS = 10_000;
/** A token that is good for less than this is renewed before it is sent. */
const MARGIN_MS = 30_000;

interface Session {
  user: User;
  accessToken: string;
  refreshToken: string;
  /** By this browser's clock. */
  expiresAt: number;
}

let renewing: Promise<string> | null = null;

function session(): Session | null {
  const text = readStored(NAME);
  if (text === null) return null;
  try {
    return JSON.parse(text) as Session;
  } catch {
    return null;
  }
}

/** Who signed in; null when nobody did. */
export const signedInUser = (): User | null => session()?.user ?? null;

export function keepSession({ user, accessToken, refreshToken, expiresIn }: Granted): void {
  const kept: Session = { user, accessToken, refreshToken, expiresAt: Date.now() + expiresIn * 1000 };
  writeStored(NAME, JSON.stringify(kept));
}

/** After the name or what else the pages show of somebody was changed. */
export function keepUser(user: User): void {
  const kept = session();
  if (kept !== null) writeStored(NAME, JSON.stringify({ ...kept, user }));
}

export const forgetSession = (): void => removeStored(NAME);

/** What to send for a token; at once, unless it has to be renewed first. Throws Problem. */
export function bearerOf(token: string): string | Promise<string> {
  if (token !== SIGNED_IN) return token;
  const kept = session();
  if (kept === null) throw new Problem(401, "unauthorised", "Sign in first", "");
  return Date.now() < kept.expiresAt - MARGIN_MS ? kept.accessToken : renew(kept.accessToken);
}

/** The token after one that is not good any more. A refresh token is good once: one tab asks for all. */
export function renew(stale: string): Promise<string> {
  renewing ??= alone(() => refresh(stale)).finally(() => (renewing = null));
  return renewing;
}

/** Locks are there on pages that came by HTTPS or from this machine. */
function alone(work: () => Promise<string>): Promise<string> {
  const locks = navigator.locks as LockManager | undefined;
  return locks === undefined ? work() : locks.request("tollcast.refresh", work);
}

async function refresh(stale: string): Promise<string> {
  const kept = session();
  if (kept === null) throw new Problem(401, "unauthorised", "Sign in first", "");
  // Another tab was first.
  if (kept.accessToken !== stale) return kept.accessToken;
  let response: Response;
  try {
    response = await fetch(REFRESH, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ refreshToken: kept.refreshToken }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
  } catch (error) {
    throw unreachable(error);
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    if (problem.status === 401) forgetSession();
    throw problem;
  }
  const granted = (await response.json()) as Granted;
  keepSession(granted);
  return granted.accessToken;
}
