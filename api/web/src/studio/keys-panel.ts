// All stream keys of a source, for several encoders or guests: each with its own name and end.
import { addKey, listKeys, revokeKey } from "../server/routes";
import type { StreamKey } from "../server/types";
import { Attempts } from "../shell/attempts";
import { confirmed } from "../shell/confirm";
import { copyButton } from "../shell/copy";
import { moment } from "../shell/durations";
import { element } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";

const words = strings.studio.keys;
const DAY_S = 86_400;
/** Lives to choose from, in seconds; 0 is until it is revoked. */
const lives = [0, DAY_S, 7 * DAY_S, 30 * DAY_S];

export class KeysPanel {
  readonly root: HTMLElement;
  private readonly list = element("ul", { class: "keys" });
  private readonly label: HTMLInputElement;
  private readonly life: HTMLSelectElement;
  private readonly fresh = element("div", { class: "field fresh-key", hidden: true, role: "status" });
  private readonly attempts = new Attempts();

  constructor(
    private readonly token: string,
    private readonly sourceId: string,
  ) {
    const at = `keys-${sourceId}`;
    this.label = element("input", {
      id: `${at}-label`,
      type: "text",
      required: true,
      maxlength: 60,
      autocomplete: "off",
      placeholder: words.labelExample,
    });
    this.life = element(
      "select",
      { id: `${at}-life` },
      ...lives.map((value) => element("option", { value }, value === 0 ? words.forever : words.days(value / DAY_S))),
    );
    const form = element(
      "form",
      { class: "form add-key" },
      element("div", {}, element("label", { for: this.label.id }, words.label), this.label),
      element("div", {}, element("label", { for: this.life.id }, words.life), this.life),
      element("button", { class: "button" }, icon("plus"), words.add),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.attempts.make(() => this.add());
    });
    this.root = element("div", { class: "keys-panel" }, element("p", { class: "hint" }, words.lead), this.list, this.fresh, form, this.attempts.problem);
  }

  /** Asks the server for the keys of now. */
  refresh(): Promise<void> {
    return this.attempts.make(async () => this.show(await listKeys(this.token, this.sourceId)));
  }

  private async add(): Promise<void> {
    const label = this.label.value.trim();
    const expiresInSeconds = Number(this.life.value);
    const key = expiresInSeconds === 0 ? { label } : { label, expiresInSeconds };
    const { streamKey } = await addKey(this.token, this.sourceId, key);
    this.label.value = "";
    this.fresh.hidden = false;
    this.fresh.replaceChildren(
      element("span", { class: "field-label" }, words.fresh(label)),
      element(
        "div",
        { class: "field-parts" },
        element("code", { class: "value" }, streamKey),
        copyButton(words.keyOf(label), () => streamKey),
      ),
    );
    this.show(await listKeys(this.token, this.sourceId));
  }

  private async revoke(key: StreamKey): Promise<void> {
    const question = { title: words.revokeTitle(key.label), text: words.revokeText, confirm: words.revoke };
    if (!(await confirmed(question))) return;
    await revokeKey(this.token, this.sourceId, key.id);
    this.show(await listKeys(this.token, this.sourceId));
  }

  private show(keys: readonly StreamKey[]): void {
    this.list.replaceChildren(...keys.map((key) => this.row(key)));
  }

  private row(key: StreamKey): HTMLElement {
    const { label, main, expired, lastUsedAt } = key;
    const name = main ? words.main : label;
    const used = lastUsedAt === null ? words.unused : words.used(moment(lastUsedAt, new Date()));
    return element(
      "li",
      { class: expired ? "key key-expired" : "key" },
      icon("key"),
      element(
        "span",
        { class: "key-words" },
        element("strong", {}, name),
        element("small", {}, lifeOf(key)),
        element("small", {}, used),
      ),
      element(
        "button",
        {
          type: "button",
          class: "button button-small",
          "aria-label": words.revokeWhich(name),
          onclick: () => void this.attempts.make(() => this.revoke(key)),
        },
        words.revoke,
      ),
    );
  }
}

function lifeOf({ expiresAt, expired }: StreamKey): string {
  if (expiresAt === null) return words.noEnd;
  return expired ? words.over : words.until(moment(expiresAt, new Date()));
}
