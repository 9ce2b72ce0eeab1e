// What the server found about an encoder's settings: each with its cause and its cure.
import type { Finding, Preflight, Severity } from "../server/types";
import { element } from "../shell/element";
import { icon, type IconName } from "../shell/icons";
import { strings } from "../strings";

const words = strings.studio.preflight;

const icons: Record<Severity, IconName> = { error: "alert", warning: "alert", advice: "bulb", info: "info" };

export class Findings {
  readonly root = element("ul", { class: "messages findings", "aria-live": "polite", "aria-label": words.heading });
  private shown = "";

  /** Lines are made anew only when they say something new: a screen reader hears each once. */
  update({ complete, findings }: Preflight): void {
    const state = JSON.stringify([complete, findings]);
    if (state === this.shown) return;
    this.shown = state;
    this.root.replaceChildren(...lines(complete, findings));
  }
}

function lines(complete: boolean, findings: readonly Finding[]): HTMLElement[] {
  if (!complete) return [line("checking", "signal", words.checking)];
  if (findings.length === 0) return [line("good", "check", words.fine)];
  return findings.map(({ severity, cause, cure }) =>
    line(
      severity,
      icons[severity],
      element("strong", {}, element("span", { class: "visually-hidden" }, `${words.severities[severity]}: `), cause),
      element("span", { class: "cure" }, cure),
    ),
  );
}

function line(kind: Severity | "checking" | "good", drawn: IconName, ...text: (Node | string)[]): HTMLElement {
  return element("li", { "data-kind": kind }, icon(drawn), element("span", { class: "finding" }, ...text));
}
