// Addresses as the server writes them, for a page that may have been reached by another name.

/** Path and query of `url`, which may be absolute; null when it is no address. */
export function pathOf(url: string): string | null {
  if (!URL.canParse(url, window.location.href)) return null;
  const { pathname, search } = new URL(url, window.location.href);
  return pathname + search;
}
