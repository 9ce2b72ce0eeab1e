// Says in a word and a colour whether something is live.
import { strings } from "../strings";
import type { Content, ContentState } from "../server/types";
import { element, setText } from "./element";

const words: Record<ContentState, string> = {
  live: strings.common.live,
  on_demand: strings.common.onDemand,
  waiting: strings.common.waiting,
  processing: strings.common.processing,
  failed: strings.common.failed,
};

export function stateBadge(state: ContentState): HTMLElement {
  const badge = element("span", { class: "badge" });
  setStateBadge(badge, state);
  return badge;
}

export function setStateBadge(badge: HTMLElement, state: ContentState): void {
  badge.dataset["state"] = state;
  setText(badge, words[state]);
}

/** What viewers are told: of something that failed half-way, that they can watch what there is. */
export function shownState({ state, playable }: Content): ContentState {
  return state === "failed" && playable ? "on_demand" : state;
}
