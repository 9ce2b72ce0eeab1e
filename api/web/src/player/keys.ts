// The player's keyboard: space or k, m, f, c, and the arrows.

export interface KeyTarget {
  togglePlay(): void;
  toggleMute(): void;
  toggleFullscreen(): void;
  toggleCaptions(): void;
  seekBy(seconds: number): void;
  changeVolume(step: number): void;
}

const SEEK_S = 5;
const VOLUME_STEP = 0.1;

/** Elements that have a use of their own for some keys. */
const TYPING = "input:not([type=range]), textarea, select, [contenteditable]";

/** Handles `event` if it is one of the player's keys; says whether it was. */
export function handleKey(event: KeyboardEvent, target: KeyTarget): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const focused = event.target instanceof Element ? event.target : null;
  if (focused?.closest(TYPING)) return false;
  const action = actionOf(event.key, focused, target);
  if (action === null) return false;
  action();
  event.preventDefault();
  return true;
}

function actionOf(key: string, focused: Element | null, target: KeyTarget): (() => void) | null {
  // The seek bar's own steps are too small to be of use: there the arrows seek as they do elsewhere.
  const onSlider = focused?.matches("input[type=range]:not(.slider-position)") ?? false;
  const onButton = focused?.closest("button, a, summary") !== null && focused !== null;
  switch (key.toLowerCase()) {
    case " ":
      return onButton ? null : () => target.togglePlay();
    case "k":
      return () => target.togglePlay();
    case "m":
      return () => target.toggleMute();
    case "f":
      return () => target.toggleFullscreen();
    case "c":
      return () => target.toggleCaptions();
    case "arrowleft":
      return onSlider ? null : () => target.seekBy(-SEEK_S);
    case "arrowright":
      return onSlider ? null : () => target.seekBy(SEEK_S);
    case "arrowup":
      return onSlider ? null : () => target.changeVolume(VOLUME_STEP);
    case "arrowdown":
      return onSlider ? null : () => target.changeVolume(-VOLUME_STEP);
    default:
      return null;
  }
}
