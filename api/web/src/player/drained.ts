// When a video has nothing left to show.

/** After each of these there may be nothing left. */
const DRAINING = ["waiting", "pause", "ended", "emptied"] as const;

/** Whether playing goes on only when more data comes. */
export function isDry(video: HTMLVideoElement): boolean {
  return video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
}

/** Resolves when everything that was loaded has been shown, or playing was paused or given up. */
export function drained(video: HTMLVideoElement): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!video.paused && !video.ended && !isDry(video)) return;
      for (const name of DRAINING) video.removeEventListener(name, look);
      resolve();
    };
    for (const name of DRAINING) video.addEventListener(name, look);
    look();
  });
}
