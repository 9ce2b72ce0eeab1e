// How a receipt is written: every byte of it counts. The same reader as metering/receipts/text.py, so that
// both say the same of every file; see there for the rules.

export type Value = string | number | null | Value[] | Members;
export interface Members {
  [name: string]: Value;
}

const ROOT = "the file";
const DEPTH_MAX = 6;
const [NEWLINE, SPACE, QUOTE, MINUS, BACKSLASH, DELETE] = [0x0a, 0x20, 0x22, 0x2d, 0x5c, 0x7f];

/** Not written as a receipt is; `path` is where, such as `ticks[3].amount`. */
export class Misread extends Error {
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`${path}: ${reason}`);
  }
}

export const isObject = (value: Value): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The form that is hashed (RFC 8785). */
export function canonical(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (isObject(value)) {
    const members = Object.keys(value).sort();
    return `{${members.map((name) => `"${name}":${canonical(value[name] ?? null)}`).join(",")}}`;
  }
  return typeof value === "string" ? `"${value}"` : String(value);
}

/** Throws Misread where the file begins to be something else than a receipt. */
export const read = (data: Uint8Array): Members => new Reader(data).document();

interface Layout {
  opens: string;
  between: string;
  closes: string;
}
const DOCUMENT: Layout = { opens: "\n  ", between: ",\n  ", closes: "\n" };
const LIST: Layout = { opens: "\n    ", between: ",\n    ", closes: "\n  " };
const INLINE: Layout = { opens: "", between: ",", closes: "" };

class Reader {
  private at = 0;
  /** The value that was read or begun last. */
  private path = ROOT;

  constructor(private readonly data: Uint8Array) {}

  document(): Members {
    const found = this.object(ROOT, 0);
    this.expect("\n");
    if (this.at < this.data.length) throw new Misread(ROOT, `line ${this.line()}: goes on after its end`);
    return found;
  }

  private value(path: string, depth: number): Value {
    this.path = path;
    switch (this.peek()) {
      case QUOTE:
        return this.text();
      case 0x7b:
        return this.object(path, depth);
      case 0x5b:
        return this.array(path, depth);
      case 0x6e:
        this.expect("null");
        return null;
      default:
        return this.integer();
    }
  }

  private object(path: string, depth: number): Members {
    const { opens, between, closes } = depth === 0 ? DOCUMENT : INLINE;
    // Without a prototype: no name is there before it was read.
    const found = Object.create(null) as Members;
    this.enter("{", depth);
    if (this.took("}")) return found;
    this.expect(opens);
    for (;;) {
      const name = this.text();
      const member = path === ROOT ? name : `${path}.${name}`;
      if (name in found) throw new Misread(member, `line ${this.line()}: is there twice`);
      this.path = member;
      this.expect(depth === 0 ? ": " : ":");
      found[name] = this.value(member, depth + 1);
      if (this.took(between)) continue;
      this.expect(`${closes}}`);
      return found;
    }
  }

  private array(path: string, depth: number): Value[] {
    const { opens, between, closes } = depth === 1 ? LIST : INLINE;
    const found: Value[] = [];
    this.enter("[", depth);
    if (this.took("]")) return found;
    this.expect(opens);
    for (;;) {
      found.push(this.value(`${path}[${found.length}]`, depth + 1));
      if (this.took(between)) continue;
      this.expect(`${closes}]`);
      return found;
    }
  }

  private text(): string {
    this.expect('"');
    const start = this.at;
    for (; this.peek() !== QUOTE; this.at++) {
      const byte = this.peek();
      if (byte < SPACE || byte >= DELETE || byte === BACKSLASH) throw this.unexpected();
    }
    return this.slice(start, this.at++);
  }

  private integer(): number {
    const start = this.at;
    if (this.peek() === MINUS) this.at++;
    const first = this.at;
    while (this.peek() >= 0x30 && this.peek() <= 0x39) this.at++;
    if (this.at === first) throw this.unexpected();
    const text = this.slice(start, this.at);
    const found = Number(text);
    // Exactly as it would be written: no zeros before it, no minus zero.
    if (!Number.isSafeInteger(found) || String(found) !== text)
      throw new Misread(this.path, `line ${this.line()}: ${text.slice(0, 20)} is no integer of a receipt`);
    return found;
  }

  private enter(bracket: string, depth: number): void {
    if (depth > DEPTH_MAX) throw new Misread(this.path, `line ${this.line()}: is nested too deeply`);
    this.expect(bracket);
  }

  /** The next byte; -1 at the end. */
  private peek(): number {
    return this.data[this.at] ?? -1;
  }

  /** Whether the next bytes are these, which then are behind us. */
  private took(text: string): boolean {
    for (let place = 0; place < text.length; place++)
      if (this.data[this.at + place] !== text.charCodeAt(place)) return false;
    this.at += text.length;
    return true;
  }

  private expect(text: string): void {
    if (this.took(text)) return;
    // Up to the byte that is wrong.
    for (let place = 0; place < text.length && this.peek() === text.charCodeAt(place); place++) this.at++;
    throw this.unexpected();
  }

  private unexpected(): Misread {
    const byte = this.peek();
    const found = byte < 0 ? "the end" : `byte 0x${byte.toString(16).padStart(2, "0")}`;
    return new Misread(this.path, `line ${this.line()}: ${found} does not belong here`);
  }

  private slice(start: number, end: number): string {
    return new TextDecoder().decode(this.data.subarray(start, end));
  }

  private line(): number {
    let count = 1;
    for (let place = 0; place < this.at; place++) if (this.data[place] === NEWLINE) count++;
    return count;
  }
}
