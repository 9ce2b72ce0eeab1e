// The server's routes of signing in as functions, one for each.
import { request } from "./http";
import type { ApiKey, Granted, Profile, Scope, SignIn } from "./types";

const at = (path: string): string => `/api/v1/auth/${path}`;
const part = encodeURIComponent;

/** A challenge (SEP-10) for a wallet to sign. */
export const readChallenge = (account: string) =>
  request<{ transaction: string; network_passphrase: string }>("GET", at(`challenge?account=${part(account)}`));

/** Signs in with a signed challenge. A wallet that is new here opens the account of `token`, or a new one. */
export const answerChallenge = (transaction: string, token?: string) =>
  request<Granted>("POST", at("verify"), { body: { transaction }, token });

/** Makes an account; or, with a token, gives the account that it stands for an e-mail address and a password. */
export const register = (body: { email: string; password: string; username: string }, token?: string) =>
  request<Granted>("POST", at("register"), { body, token });

export const logIn = (body: { email: string; password: string }) => request<Granted>("POST", at("login"), { body });

export const logOut = (token: string, everywhere = false) =>
  request<void>("POST", at("logout"), { token, body: { everywhere } });

export const readProfile = (token: string) => request<Profile>("GET", at("profile"), { token });

export const changeProfile = (token: string, body: { username?: string; payoutAddress?: string }) =>
  request<Profile>("PATCH", at("profile"), { token, body });

export const linkWallet = (token: string, transaction: string) =>
  request<Profile>("POST", at("wallets"), { token, body: { transaction } });

export const unlinkWallet = (token: string, subject: string) =>
  request<Profile>("DELETE", at(`wallets/${part(subject)}`), { token });

export const listSignIns = async (token: string): Promise<SignIn[]> =>
  (await request<{ items: SignIn[] }>("GET", at("sessions"), { token })).items;

export const endSignIn = (token: string, id: string) => request<void>("DELETE", at(`sessions/${part(id)}`), { token });

export const listApiKeys = async (token: string): Promise<ApiKey[]> =>
  (await request<{ items: ApiKey[] }>("GET", at("keys"), { token })).items;

/** `secret` is told once. Without `expiresInSeconds` the key is good until it is revoked. */
export const createApiKey = (
  token: string,
  body: { label: string; scopes: readonly Scope[]; expiresInSeconds?: number },
) => request<{ key: ApiKey; secret: string }>("POST", at("keys"), { token, body });

export const revokeApiKey = (token: string, id: string) => request<void>("DELETE", at(`keys/${part(id)}`), { token });
