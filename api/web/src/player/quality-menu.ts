// The menu that chooses a rendition.
import { strings } from "../strings";
import { bitrate } from "../shell/durations";
import { ChoiceMenu, type Choice } from "./choice-menu";
import type { Level } from "./engine";

const AUTOMATIC = -1;

export function levelName(level: Level): string {
  return level.height > 0 ? `${level.height}p` : level.name || bitrate(level.bitrate);
}

export class QualityMenu extends ChoiceMenu {
  constructor(choose: (level: number) => void) {
    super("settings", strings.player.quality, choose);
  }

  /** Shows these levels, the best first; `current` is on screen, chosen by us when `automatic`. */
  showLevels(levels: Level[], current: number, automatic: boolean): void {
    if (levels.length === 0) return this.update([], AUTOMATIC, "");
    const onScreen = levels.find((level) => level.index === current);
    const name = onScreen === undefined ? "" : levelName(onScreen);
    const { auto, autoAt } = strings.player;
    // Otherwise a search for "720p" by name would find this entry as well.
    const byItself: Choice = { value: AUTOMATIC, name: name === "" ? auto : autoAt(name), label: auto };
    const entries = [...levels].sort((a, b) => b.height - a.height || b.bitrate - a.bitrate);
    const choices = entries.map((level) => ({
      value: level.index,
      name: levelName(level),
      detail: bitrate(level.bitrate),
    }));
    this.update([byItself, ...choices], automatic ? AUTOMATIC : current, automatic ? auto : name);
  }
}
