// Hands a file that the page has to whoever looks at it.
import { element } from "./element";

export function saveFile(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  element("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}
