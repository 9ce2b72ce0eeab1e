// Little pictures of a whole recording: a WebVTT file whose cues name tiles of larger sheets.
import { pathOf } from "../shell/address";

export interface Tile {
  /** Seconds of the recording, the end not included. */
  start: number;
  end: number;
  /** The sheet, and the tile's place on it in pixels. */
  sheet: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A recording that is still being made gets new tiles; asking more often would bring nothing. */
const ASK_AGAIN_MS = 5000;

const TIMING = /^(?:(\d+):)?(\d{2}):(\d{2}\.\d{3})[ \t]+-->[ \t]+(?:(\d+):)?(\d{2}):(\d{2}\.\d{3})/;
const PLACE = /^(.*)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)$/;

/** The tiles of a WebVTT text, in its order; `base` is the address that it came from. */
export function parseStoryboard(text: string, base: string): Tile[] {
  const tiles: Tile[] = [];
  for (const block of text.replace(/\r\n?/g, "\n").split(/\n{2,}/)) {
    const lines = block.split("\n");
    const at = lines.findIndex((line) => line.includes("-->"));
    const tile = at < 0 ? null : readTile(lines[at] ?? "", lines[at + 1] ?? "", base);
    if (tile !== null) tiles.push(tile);
  }
  return tiles;
}

function readTile(timing: string, payload: string, base: string): Tile | null {
  const times = TIMING.exec(timing);
  const place = PLACE.exec(payload.trim());
  if (times === null || place === null || !URL.canParse(place[1] ?? "", base)) return null;
  const [x = 0, y = 0, width = 0, height = 0] = place.slice(2).map(Number);
  if (width === 0 || height === 0) return null;
  return {
    start: seconds(times[1], times[2], times[3]),
    end: seconds(times[4], times[5], times[6]),
    sheet: new URL(place[1] ?? "", base).href,
    x,
    y,
    width,
    height,
  };
}

function seconds(hours = "0", minutes = "0", rest = "0"): number {
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(rest);
}

/** The tile that shows this second; after the last one's end, the last one. */
export function tileAt(tiles: readonly Tile[], second: number): Tile | null {
  let low = 0;
  let high = tiles.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tiles[middle]?.start ?? Infinity) <= second) low = middle + 1;
    else high = middle;
  }
  return tiles[Math.max(0, low - 1)] ?? null;
}

/** The storyboard at one address, fetched when it is first looked at. */
export class Storyboard {
  private tiles: Tile[] = [];
  private readonly sheets = new Map<string, HTMLImageElement>();
  private askedAt = -Infinity;

  /** `changed` is told when a tile or a sheet has arrived. */
  constructor(
    private readonly url: string,
    private readonly changed: () => void,
  ) {}

  /** The tile of this second; null while there is none. */
  at(second: number): Tile | null {
    const last = this.tiles[this.tiles.length - 1];
    if (last === undefined || second >= last.end) this.ask(performance.now());
    return tileAt(this.tiles, second);
  }

  /** The sheet that holds `tile`; null until it is here. */
  sheetOf({ sheet }: Tile): HTMLImageElement | null {
    const known = this.sheets.get(sheet);
    if (known !== undefined) return known.complete && known.naturalWidth > 0 ? known : null;
    const image = new Image();
    image.addEventListener("load", this.changed);
    image.src = sheet;
    this.sheets.set(sheet, image);
    return null;
  }

  private ask(nowMs: number): void {
    if (nowMs - this.askedAt < ASK_AGAIN_MS) return;
    this.askedAt = nowMs;
    void this.fetch();
  }

  private async fetch(): Promise<void> {
    const path = pathOf(this.url);
    if (path === null) return;
    try {
      const response = await fetch(path);
      if (!response.ok) return;
      this.tiles = parseStoryboard(await response.text(), new URL(path, window.location.href).href);
    } catch {
      // Without little pictures the seek bar still tells the time.
      return;
    }
    this.changed();
  }
}
