// Keys of this browser that sign vouchers. They never leave it: not even this page can read them.
//
// A key is good for one payment channel, so what it can lose is what that holds; and it is not given
// out by the browser, only used. (Rejected: a library for browsers without Ed25519. Its keys would be
// bytes that any script of the page reads; since 2025 all browsers have it on https.)

const DATABASE = "tollcast-vouchers";
const STORE = "channels";
const ALGORITHM = { name: "Ed25519" };

/** What is remembered of a payment channel; amounts in stroops, as text. */
export interface Kept {
  /** The contract, or `PENDING` while there is none yet. */
  contract: string;
  keys: CryptoKeyPair;
  /** Nothing beyond this is ever signed. */
  cap: string;
  /** The highest sum that was signed. */
  signed: string;
}

/** Whose contract is still to be opened. */
export const PENDING = "";

/** Whether this browser can sign at all: pages that came over plain http may not. */
export async function canSign(): Promise<boolean> {
  if (!window.isSecureContext || !("indexedDB" in window)) return false;
  try {
    await newKeys();
    return true;
  } catch {
    return false;
  }
}

export async function newKeys(): Promise<CryptoKeyPair> {
  return (await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"])) as CryptoKeyPair;
}

export async function publicKey({ publicKey: key }: CryptoKeyPair): Promise<string> {
  return hex(await crypto.subtle.exportKey("raw", key));
}

export async function sign({ privateKey }: CryptoKeyPair, message: Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(await crypto.subtle.sign(ALGORITHM, privateKey, message));
}

export const listKept = (): Promise<Kept[]> => inStore("readonly", (store) => store.getAll() as IDBRequest<Kept[]>);

export const keep = (kept: Kept): Promise<unknown> => inStore("readwrite", (store) => store.put(kept));

export const forget = (contract: string): Promise<unknown> =>
  inStore("readwrite", (store) => store.delete(contract));

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function inStore<Result>(
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest<Result>,
): Promise<Result> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "contract" });
  const database = await settled(opening);
  try {
    return await settled(work(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

function settled<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser's storage failed"));
  });
}
