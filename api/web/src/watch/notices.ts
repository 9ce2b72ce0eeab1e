// What the stage says when there is nothing to play, one function for each state.
import { strings } from "../strings";
import { notice, type Action } from "../shell/notice";

const words = strings.watch;
const common = strings.common;

const home: Action = { label: common.backHome, run: () => window.location.assign("/") };

export const loading = (): HTMLElement =>
  notice({ name: "loading", icon: "signal", title: words.loading, text: "", busy: true });

export const missing = (): HTMLElement =>
  notice({
    name: "missing",
    icon: "search",
    title: words.missingTitle,
    text: words.missingText,
    actions: [{ ...home, primary: true }],
  });

export const unreachable = (): HTMLElement =>
  notice({
    name: "unreachable",
    icon: "alert",
    title: common.unreachable,
    text: common.unreachableText,
  });

export const waiting = (): HTMLElement =>
  notice({
    name: "waiting",
    icon: "signal",
    title: words.waitingTitle,
    text: words.waitingText,
    busy: true,
  });

export const preparing = (): HTMLElement =>
  notice({
    name: "preparing",
    icon: "film",
    title: words.preparingTitle,
    text: words.preparingText,
    busy: true,
  });

export const unmade = (): HTMLElement =>
  notice({
    name: "unmade",
    icon: "alert",
    title: words.unmadeTitle,
    text: words.unmadeText,
    actions: [{ ...home, primary: true }],
  });

export const unsupported = (): HTMLElement =>
  notice({
    name: "unsupported",
    icon: "alert",
    title: words.unsupportedTitle,
    text: words.unsupportedText,
    actions: [home],
  });

/** `run` adds play money, or looks whether real money has arrived. */
export const short = (price: string, playMoney: boolean, run: () => void): HTMLElement =>
  notice({
    name: "short",
    icon: "wallet",
    title: words.shortTitle,
    text: `${words.shortText(price)}${playMoney ? "" : ` ${words.shortReal}`}`,
    actions: [{ label: playMoney ? words.shortPlay : words.shortCheck, run, primary: true }],
  });

export const denied = (restart: () => void): HTMLElement =>
  notice({
    name: "denied",
    icon: "clock",
    title: words.deniedTitle,
    text: words.deniedText,
    actions: [{ label: words.restart, run: restart, primary: true }, home],
  });

/** `takeOver` ends the session that was begun first. */
export const elsewhere = (takeOver: () => void): HTMLElement =>
  notice({
    name: "elsewhere",
    icon: "play",
    title: words.elsewhereTitle,
    text: words.elsewhereText,
    actions: [
      { label: words.elsewhereHere, run: takeOver, primary: true },
      { label: words.elsewhereAccount, run: () => (window.location.href = "/account") },
    ],
  });

export const failed = (detail: string, retry: () => void): HTMLElement =>
  notice({
    name: "failed",
    icon: "alert",
    title: words.failedTitle,
    text: detail === "" ? words.failedText : `${words.failedText} (${detail})`,
    actions: [{ label: common.retry, run: retry, primary: true }, home],
  });

export const finished = (title: string, again: () => void): HTMLElement =>
  notice({
    name: "finished",
    icon: "check",
    title,
    text: "",
    actions: [{ label: words.watchAgain, run: again, primary: true }, home],
  });
