// Who this browser is: a viewer's account, a creator's, or both. None is made by looking.
import { SIGNED_IN, signedInUser } from "../server/signed-in";
import { readStored } from "../shell/stored";
import { strings } from "../strings";

export interface Identity {
  name: "viewer" | "creator";
  label: string;
  token: string;
}

export function identities(): Identity[] {
  const known: [Identity["name"], string, string | null][] = [
    ["viewer", strings.account.viewer, signedInUser() === null ? readStored("guest") : SIGNED_IN],
    ["creator", strings.account.creator, readStored("creator")],
  ];
  return known.flatMap(([name, label, token]) => (token === null ? [] : [{ name, label, token }]));
}
