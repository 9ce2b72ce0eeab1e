// Checks a receipt in the browser, in the same order and with the same words as metering/receipts/check.py.
import { breaks, bytesOfHex, elements, link, settlementBytes, signedBytes, type Element } from "./chain.ts";
import { contentFaults, type Fault } from "./content.ts";
import { shaped, type ReceiptDocument } from "./shape.ts";
import { Misread, read, type Members } from "./text.ts";

export type { Fault } from "./content.ts";

/** What became of a check: faults, the most telling first, and what was read unless it is no receipt. */
export interface Checked {
  faults: Fault[];
  document: ReceiptDocument | null;
}

export async function checkReceipt(data: Uint8Array): Promise<Checked> {
  let members: Members;
  let document: ReceiptDocument;
  try {
    members = read(data);
    document = shaped(members);
  } catch (error) {
    if (!(error instanceof Misread)) throw error;
    return { faults: [{ path: error.path, reason: error.reason }], document: null };
  }
  return { faults: await faultsOf(members, document), document };
}

/** Whether this browser can check signatures: Ed25519 came to browsers between 2023 and 2025. */
export async function canVerify(): Promise<boolean> {
  try {
    await keyOf("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"); // the public key of RFC 8032, 7.1, test 1
    return true;
  } catch {
    return false;
  }
}

async function faultsOf(members: Members, document: ReceiptDocument): Promise<Fault[]> {
  const { chain, key, signature } = document;
  const known = elements(members);
  if (chain.length !== known.length)
    return [{ path: "chain", reason: `has ${chain.length} links for ${known.length} elements` }];
  const faults: Fault[] = [];
  let inside = await contentFaults(document);
  for (const path of await broken(document, known)) {
    const told = inside.find((fault) => fault.path === path || fault.path.startsWith(`${path}.`));
    if (told === undefined) faults.push({ path, reason: "the chain breaks here" });
    else {
      inside = inside.filter((fault) => fault !== told);
      faults.push({ path: told.path, reason: `the chain breaks here: ${told.reason}` });
    }
  }
  if (!(await verify(key, signedBytes(chain[chain.length - 1] ?? ""), signature)))
    faults.push({ path: "signature", reason: "is not of this receipt and its key" });
  return [...faults, ...inside, ...(await settlementFaults(members, document))];
}

/** The signature tells whether the last link was changed, or its element. */
async function broken({ chain, key, signature }: ReceiptDocument, known: readonly Element[]): Promise<string[]> {
  const found = await breaks(known, chain);
  const last = known[known.length - 1];
  if (last !== undefined && found[found.length - 1] === last[0]) {
    const made = await link(chain[chain.length - 2] ?? "", last);
    if (await verify(key, signedBytes(made), signature)) found[found.length - 1] = `chain[${chain.length - 1}]`;
  }
  return found;
}

async function settlementFaults(members: Members, { chain, key, settlement }: ReceiptDocument): Promise<Fault[]> {
  if (settlement === null) return [];
  const message = settlementBytes(chain[chain.length - 1] ?? "", members["settlement"] as Members);
  if (await verify(key, message, settlement.signature)) return [];
  return [{ path: "settlement", reason: "is not signed for this receipt with its key" }];
}

async function keyOf(name: string): Promise<CryptoKey> {
  const text = atob(name.replaceAll("-", "+").replaceAll("_", "/"));
  const raw = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  return crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
}

async function verify(key: string, message: Uint8Array<ArrayBuffer>, signature: string): Promise<boolean> {
  return crypto.subtle.verify({ name: "Ed25519" }, await keyOf(key), bytesOfHex(signature), message);
}
