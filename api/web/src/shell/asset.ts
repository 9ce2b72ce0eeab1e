// Currencies: what people call them.

/** The code of an asset, without who issued it. */
export function codeOf(asset: string): string {
  return asset.split(":", 1)[0] ?? asset;
}
