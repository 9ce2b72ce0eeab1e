// The creator's token: it arrives in the address, is kept by this browser, and leaves the address at once.
import { SIGNED_IN, signedInUser } from "../server/signed-in";
import { readStored, removeStored, writeStored } from "../shell/stored";

const NAME = "creator";

/** Takes `#token=...` out of the address bar and its history, and returns the token to use. */
export function takeToken(): string | null {
  const given = new URLSearchParams(window.location.hash.slice(1)).get("token");
  if (given !== null && given !== "") {
    writeStored(NAME, given);
    window.history.replaceState(null, "", window.location.pathname + window.location.search);
  }
  return readStored(NAME) ?? (signedInUser()?.kind === "creator" ? SIGNED_IN : null);
}

/** Accepts a token, or a whole studio link that holds one. */
export function keepToken(pasted: string): string {
  const token = /[#&]token=([^&\s]+)/.exec(pasted)?.[1] ?? pasted.trim();
  const plain = decodeURIComponent(token);
  writeStored(NAME, plain);
  return plain;
}

export function forgetToken(): void {
  removeStored(NAME);
}
