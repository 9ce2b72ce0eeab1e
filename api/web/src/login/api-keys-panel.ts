// API keys: made with a name, what they may do and an end; shown once; revoked.
import { createApiKey, listApiKeys, revokeApiKey } from "../server/auth";
import { scopes, type ApiKey, type Scope } from "../server/types";
import { Attempts } from "../shell/attempts";
import { confirmed } from "../shell/confirm";
import { copyButton } from "../shell/copy";
import { moment } from "../shell/durations";
import { element } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";

const words = strings.login.apiKeys;
const DAY_S = 86_400;
/** Lives to choose from, in days; 0 is until it is revoked. */
const lives = [30, 90, 365, 0];

export class ApiKeysPanel {
  readonly root: HTMLElement;
  private readonly list = element("ul", { class: "access-list" });
  private readonly empty = element("p", { class: "muted", hidden: true }, words.none);
  private readonly fresh = element("div", { class: "access-fresh", hidden: true, role: "status" });
  private readonly attempts = new Attempts();
  private readonly label = element("input", { id: "api-key-label", required: true, maxlength: 60, autocomplete: "off" });
  private readonly life = element(
    "select",
    { id: "api-key-life" },
    ...lives.map((days) => element("option", { value: days }, days === 0 ? words.forever : words.days(days))),
  );
  private readonly form: HTMLFormElement;

  constructor(private readonly token: string) {
    const boxes = scopes.map((scope) =>
      element(
        "label",
        { class: "choice" },
        element("input", { type: "checkbox", name: "scope", value: scope, checked: scope === "read" }),
        element("span", {}, scope, element("br"), element("span", { class: "hint" }, words.scopes[scope])),
      ),
    );
    this.form = element(
      "form",
      { class: "form" },
      element("label", { for: this.label.id }, words.label),
      this.label,
      element("label", { for: this.life.id }, words.life),
      this.life,
      element("fieldset", { class: "choices" }, element("legend", {}, words.may), ...boxes),
      element("button", { class: "button" }, icon("plus"), words.create),
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.attempts.make(() => this.create());
    });
    this.root = element(
      "section",
      { class: "panel", "aria-labelledby": "api-keys-heading" },
      element("h2", { id: "api-keys-heading", class: "eyebrow" }, words.heading),
      this.list,
      this.empty,
      this.fresh,
      this.attempts.problem,
      element("details", { class: "access-new" }, element("summary", {}, words.anew), this.form),
    );
  }

  open(): void {
    void this.attempts.make(() => this.refresh());
  }

  private async refresh(): Promise<void> {
    const keys = await listApiKeys(this.token);
    this.empty.hidden = keys.length > 0;
    this.list.replaceChildren(...keys.map((key) => this.row(key)));
  }

  private async create(): Promise<void> {
    const chosen = new FormData(this.form).getAll("scope") as Scope[];
    const seconds = Number(this.life.value) * DAY_S;
    const wish = { label: this.label.value.trim(), scopes: chosen };
    const { key, secret } = await createApiKey(this.token, seconds === 0 ? wish : { ...wish, expiresInSeconds: seconds });
    this.label.value = "";
    this.fresh.hidden = false;
    this.fresh.replaceChildren(
      element("span", { class: "muted" }, words.fresh(key.label)),
      element("code", { class: "access-secret" }, secret),
      copyButton(words.secretOf(key.label), () => secret),
    );
    await this.refresh();
  }

  private row(key: ApiKey): HTMLElement {
    const { label, hint, lastUsedAt, expiresAt } = key;
    const used = lastUsedAt === null ? words.unused : words.used(moment(lastUsedAt, new Date()));
    const end = expiresAt === null ? words.noEnd : words.until(moment(expiresAt, new Date()));
    return element(
      "li",
      {},
      icon("key"),
      element(
        "div",
        { class: "access-words" },
        element("strong", {}, label),
        element("small", {}, element("code", {}, `sk_…${hint}`), ` · ${key.scopes.join(", ")}`),
        element("small", {}, `${end} · ${used}`),
      ),
      element(
        "button",
        {
          type: "button",
          class: "button button-small",
          "aria-label": words.revokeWhich(label),
          onclick: () => void this.attempts.make(() => this.revoke(key)),
        },
        words.revoke,
      ),
    );
  }

  private async revoke({ id, label }: ApiKey): Promise<void> {
    const question = { title: words.revokeTitle(label), text: words.revokeText, confirm: words.revoke };
    if (!(await confirmed(question))) return;
    await revokeApiKey(this.token, id);
    this.fresh.hidden = true;
    await this.refresh();
  }
}
