// What happens when somebody has proved who they are, or leaves.
import { forgetGuest, knownGuest } from "../guest";
import { answerChallenge, logIn, logOut, readProfile, register } from "../server/auth";
import { Problem } from "../server/http";
import { SIGNED_IN, forgetSession, keepSession } from "../server/signed-in";
import type { Entered } from "./email-form";

/** With a wallet. One that is new here opens the account that this browser's guest had. Throws Problem. */
export async function enterWithWallet(transaction: string): Promise<void> {
  const guest = await goodGuest();
  keepSession(await answerChallenge(transaction, guest ?? undefined));
  // Either the account is that one, and the guest's token is void; or the guest waits for us to leave.
  if (guest !== null) await goodGuest();
}

/** With an e-mail address and a password. Throws Problem. */
export async function enterWithPassword({ email, password }: Entered): Promise<void> {
  keepSession(await logIn({ email, password }));
}

/** Gives this browser's guest a name, or somebody who was never here an account. Throws Problem. */
export async function enterAnew({ email, password, username }: Entered): Promise<void> {
  const guest = await goodGuest();
  keepSession(await register({ email, password, username }, guest ?? undefined));
  if (guest !== null) forgetGuest();
}

/** The session is over here even if the server cannot be told: then it is a month later, by itself. */
export async function leave(): Promise<void> {
  try {
    await logOut(SIGNED_IN);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  forgetSession();
}

/** This browser's guest, if the server still knows it; otherwise it is forgotten. */
async function goodGuest(): Promise<string | null> {
  const guest = knownGuest();
  if (guest === null) return null;
  try {
    await readProfile(guest);
    return guest;
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    forgetGuest();
    return null;
  }
}
