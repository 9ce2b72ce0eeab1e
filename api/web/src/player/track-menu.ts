// The menus that choose a sound track, or captions.
import { strings } from "../strings";
import { ChoiceMenu, type Choice } from "./choice-menu";

/** A sound or caption track that a viewer can choose. */
export interface Track {
  index: number;
  name: string;
  /** BCP 47; empty when unknown. */
  language: string;
}

const OFF = -1;

export class SoundMenu extends ChoiceMenu {
  constructor(choose: (track: number) => void) {
    super("sound", strings.player.sound, choose);
  }

  /** One track alone is no choice. */
  showTracks(tracks: Track[], current: number): void {
    this.update(tracks.length < 2 ? [] : tracks.map(choiceOf), current, "");
  }
}

export class CaptionsMenu extends ChoiceMenu {
  constructor(choose: (track: number) => void) {
    super("captions", strings.player.captions, choose);
  }

  showTracks(tracks: Track[], current: number): void {
    const off: Choice = { value: OFF, name: strings.player.captionsOff };
    this.update(tracks.length === 0 ? [] : [off, ...tracks.map(choiceOf)], current, "");
  }
}

function choiceOf({ index, name, language }: Track): Choice {
  return { value: index, name: name || languageName(language), detail: name ? language : "" };
}

/** In the reader's own language. */
export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames(undefined, { type: "language" }).of(tag) ?? tag;
  } catch (error) {
    // What is no language tag is shown as it is.
    if (error instanceof RangeError) return tag;
    throw error;
  }
}
