// What a browser calls itself (RFC 9110, 10.1.5), in words that its owner would use.

/** The first that fits: newer browsers also name the older ones that they are like. */
const browsers: [RegExp, string][] = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrome\/|Chromium\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const systems: [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux/, "Linux"],
];

/** "Firefox, Linux"; of a program the first word of what it says; empty of nothing. */
export function deviceName(userAgent: string): string {
  const found = [browsers, systems].map((kinds) => kinds.find(([pattern]) => pattern.test(userAgent))?.[1]);
  const known = found.filter((name) => name !== undefined);
  return known.length > 0 ? known.join(", ") : (userAgent.split(" ")[0] ?? "");
}
