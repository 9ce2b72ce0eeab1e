// Builds DOM elements without markup strings, so that no text can ever become markup.

export type Child = Node | string | null | undefined | false;

type Listener = (event: Event) => void;
type AttributeValue = string | number | boolean | null | undefined | Listener;
export type Attributes = Record<string, AttributeValue>;

/** An element with attributes and children; `onclick` and the like take functions, `false` leaves one out. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  assign(made, attributes);
  append(made, children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS(SVG, tag);
  assign(made, attributes);
  append(made, children);
  return made;
}

function assign(target: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") target.addEventListener(name.slice(2), value);
    else if (value === true) target.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined)
      target.setAttribute(name, String(value));
  }
}

function append(target: Element, children: Child[]): void {
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) target.append(child);
  }
}

/** Sets the text only when it changed: a selection or a screen reader is not disturbed for nothing. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** The page's element with this id; its absence is a fault of the HTML. */
export function required(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Makes the children of `parent` show `items` in order, keeping the element of each key.
 * `make` is called once for a key, `update` each time.
 */
export function showList<Item, Made extends HTMLElement>(
  parent: HTMLElement,
  items: readonly Item[],
  key: (item: Item) => string,
  make: (item: Item) => Made,
  update: (made: Made, item: Item) => void,
): void {
  const kept = new Map<string, Made>();
  for (const child of parent.children) {
    const held = child as Made;
    if (held.dataset["key"] !== undefined) kept.set(held.dataset["key"], held);
  }
  items.forEach((item, index) => {
    const name = key(item);
    const made = kept.get(name) ?? make(item);
    kept.delete(name);
    made.dataset["key"] = name;
    update(made, item);
    if (parent.children[index] !== made) parent.insertBefore(made, parent.children[index] ?? null);
  });
  for (const gone of kept.values()) gone.remove();
}
