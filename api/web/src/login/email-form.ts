// E-mail address and password: to sign in with, or for a new account.
import { Problem } from "../server/http";
import { element, setText } from "../shell/element";
import { strings } from "../strings";

const words = strings.login;

const PASSWORD_MIN = 10;

export interface Entered {
  email: string;
  password: string;
  /** Empty of who signs in. */
  username: string;
}

export class EmailForm {
  readonly root: HTMLFormElement;
  private readonly name: HTMLInputElement;
  private readonly email: HTMLInputElement;
  private readonly password: HTMLInputElement;
  private readonly word: HTMLElement;
  private readonly button: HTMLButtonElement;
  private readonly problem = element("p", { class: "form-error", role: "alert", hidden: true });

  /** `isNew`: for a new account. `enter` asks the server, and throws its Problem. */
  constructor(
    private readonly isNew: boolean,
    private readonly enter: (entered: Entered) => Promise<void>,
  ) {
    const id = isNew ? "register" : "login";
    this.name = element("input", { id: `${id}-name`, name: "username", required: true, maxlength: 60, autocomplete: "nickname" });
    this.email = element("input", { id: `${id}-email`, name: "email", type: "email", required: true, autocomplete: "username" });
    this.password = element("input", {
      id: `${id}-password`,
      name: "password",
      type: "password",
      required: true,
      minlength: isNew ? PASSWORD_MIN : null,
      autocomplete: isNew ? "new-password" : "current-password",
    });
    this.word = element("span", {}, this.label);
    this.button = element("button", { class: "button" }, this.word);
    const label = (field: HTMLInputElement, text: string): HTMLElement => element("label", { for: field.id }, text);
    this.root = element(
      "form",
      { class: "form", "data-form": id },
      ...(isNew ? [label(this.name, words.name), this.name] : []),
      label(this.email, words.email),
      this.email,
      label(this.password, words.password),
      this.password,
      element("p", { class: "hint" }, isNew ? words.registerHint(PASSWORD_MIN) : words.forgotten),
      this.problem,
      this.button,
    );
    this.root.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
  }

  private get label(): string {
    return this.isNew ? words.register : words.logIn;
  }

  private async send(): Promise<void> {
    this.problem.hidden = true;
    this.button.disabled = true;
    setText(this.word, words.busy);
    try {
      await this.enter({
        email: this.email.value.trim(),
        password: this.password.value,
        username: this.name.value.trim(),
      });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.problem.hidden = false;
      setText(this.problem, error.status === 0 ? strings.common.unreachable : error.message);
      this.password.focus();
    }
    this.button.disabled = false;
    setText(this.word, this.label);
  }
}
