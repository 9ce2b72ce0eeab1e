// The keys that this server signs receipts with, as far as it can be asked.
import { Problem } from "../server/http";
import { readKeySet } from "../server/routes";

/** Public keys as receipts name them; null when the server cannot be asked. */
export async function serverKeys(): Promise<ReadonlySet<string> | null> {
  try {
    const { keys } = await readKeySet();
    return new Set(keys.map(({ x }) => x).filter((x) => x !== undefined));
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}
