// One line under the stage about what is going on, sometimes with a button.
import { element } from "../shell/element";
import type { Action } from "../shell/notice";

export class Note {
  readonly root = element("div", { class: "stage-note", role: "status", hidden: true });

  show(text: string, action?: Action): void {
    const button =
      action && element("button", { type: "button", class: "button button-small", onclick: action.run }, action.label);
    this.root.replaceChildren(element("span", {}, text), ...(button === undefined ? [] : [button]));
    this.root.hidden = false;
  }

  hide(): void {
    this.root.hidden = true;
  }
}
