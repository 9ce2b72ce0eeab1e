// What this browser remembers between visits.

const PREFIX = "tollcast.";

/** A browser may forbid storage; then a value lives as long as the page. */
const unsaved = new Map<string, string>();

export function readStored(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name) ?? unsaved.get(name) ?? null;
  } catch {
    return unsaved.get(name) ?? null;
  }
}

export function writeStored(name: string, value: string): void {
  unsaved.set(name, value);
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Kept for this page in `unsaved`.
  }
}

export function removeStored(name: string): void {
  unsaved.delete(name);
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // There was nothing to remove.
  }
}
