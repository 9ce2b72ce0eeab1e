// The viewer's own account: of whoever signed in, or a guest's, which is made once and remembered by
// this browser; funded when money is play money.
import { createGuest, fundGuest, readBalance } from "./server/routes";
import { Problem } from "./server/http";
import { SIGNED_IN, forgetSession, signedInUser } from "./server/signed-in";
import type { Balance } from "./server/types";
import { isLess } from "./shell/amounts";
import { readStored, removeStored, writeStored } from "./shell/stored";

const TOKEN = "guest";

/** The token of whoever signed in, or of this browser's guest, made now if there is none. */
export async function guestToken(): Promise<string> {
  if (signedInUser() !== null) return SIGNED_IN;
  const known = readStored(TOKEN);
  if (known !== null) return known;
  const guest = await createGuest();
  writeStored(TOKEN, guest.token);
  return guest.token;
}

/** Runs `work` with the guest's token; a guest that the server no longer knows is replaced once. */
export async function asGuest<Result>(work: (token: string) => Promise<Result>): Promise<Result> {
  const token = await guestToken();
  try {
    return await work(token);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    if (token !== SIGNED_IN) removeStored(TOKEN);
    else forgetSession();
    return work(await guestToken());
  }
}

/** The token of this browser's guest, as long as there is one. */
export const knownGuest = (): string | null => readStored(TOKEN);

/** Whoever signed in, or this browser's guest; null for who has no account yet. */
export const knownViewer = (): string | null => (signedInUser() !== null ? SIGNED_IN : knownGuest());

/** A guest who signed up gave the token back. */
export const forgetGuest = (): void => removeStored(TOKEN);

/** Adds play money when the balance is below `needed`. Returns the balance; real money is left alone. */
export async function fundWhenShort(token: string, needed: string): Promise<Balance> {
  const balance = await readBalance(token);
  if (!balance.playMoney || !isLess(balance.balance, needed)) return balance;
  const funded = await fundGuest(token);
  return { ...balance, balance: funded.balance };
}
