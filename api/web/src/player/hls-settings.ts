// How hls.js plays for us, each setting with its reason.
import Hls, { type HlsConfig, type PlaylistLoaderConstructor } from "hls.js";

import { clearKeySettings } from "./clear-keys";
import { PatientLoader } from "./patient-loader";

/**
 * Seconds of video kept ahead. Every second fetched is a second held from the viewer's balance, so
 * no more than rides out a bad moment. The server lets a player run ahead by six seconds at first
 * and by one more for each second watched; it keeps requests beyond that waiting, which hls.js would
 * take for a slow network. So we ask for a segment less than that, and grow in the same way.
 */
const AHEAD_FIRST_S = 4;
const AHEAD_MOST_S = 12;

/** How far to fetch ahead after so many seconds watched without a seek. */
export function aheadSeconds(watched: number): number {
  return Math.min(AHEAD_MOST_S, AHEAD_FIRST_S + Math.max(0, watched));
}

/** The server answers a request that it keeps waiting within sixteen seconds. */
const FIRST_BYTE_MS = 20_000;

/** Seconds kept behind, for a short step back without a request. */
const BEHIND_S = 10;

/** A 503 says "not yet": 15 tries one to three seconds apart outlast the server's pacing window. */
const PACED_TRIES = 15;

/** So much further behind after each time that playing had to wait, of a live. */
const STALL_INCREASE_S = 0.3;

/** Statuses of requests that were early or too many rather than wrong. */
const comeAgain: ReadonlySet<number> = new Set([425, 429]);

function retries(tries: number) {
  return {
    maxNumRetry: tries,
    retryDelayMs: 1000,
    maxRetryDelayMs: 3000,
    shouldRetry: (
      settings: { maxNumRetry: number } | null | undefined,
      count: number,
      _timeout: boolean,
      response: { code?: number } | undefined,
      byDefault: boolean,
    ): boolean =>
      byDefault ||
      (comeAgain.has(response?.code ?? 0) && count < (settings?.maxNumRetry ?? 0)),
  };
}

const timeouts = { maxNumRetry: 4, retryDelayMs: 0, maxRetryDelayMs: 0 };

/**
 * `startPosition` is in seconds of the stream; -1 leaves it to the playlist. What is `recorded` may
 * still grow at its end as a live does, but nobody wants to be at that end or hurry there.
 */
export function hlsSettings(startPosition: number, recorded: boolean): Partial<HlsConfig> {
  const { fragLoadPolicy, playlistLoadPolicy } = Hls.DefaultConfig;
  return {
    ...clearKeySettings,
    startPosition: recorded ? Math.max(0, startPosition) : startPosition,
    // The segments are fMP4 already: there is nothing to convert that would need a worker.
    enableWorker: false,
    maxBufferLength: AHEAD_FIRST_S,
    maxMaxBufferLength: AHEAD_MOST_S,
    // Otherwise so many bytes are filled whatever the seconds: minutes, at a low bitrate.
    maxBufferSize: 0,
    backBufferLength: BEHIND_S,
    // Otherwise every part of a live changes the duration, for which all appending has to stop.
    liveDurationInfinity: !recorded,
    // `CatchUp` does it, also where less than a second is buffered.
    maxLiveSyncPlaybackRate: 1,
    liveSyncOnStallIncrease: STALL_INCREASE_S,
    capLevelToPlayerSize: true,
    // An interrupted live stays as it is until its publisher is back: that is no fault of the playlist.
    liveMaxUnchangedPlaylistRefresh: Infinity,
    fragLoadPolicy: {
      default: {
        ...fragLoadPolicy.default,
        maxTimeToFirstByteMs: FIRST_BYTE_MS,
        errorRetry: retries(PACED_TRIES),
        timeoutRetry: timeouts,
      },
    },
    pLoader: PatientLoader as unknown as PlaylistLoaderConstructor,
    playlistLoadPolicy: {
      default: { ...playlistLoadPolicy.default, errorRetry: retries(PACED_TRIES), timeoutRetry: timeouts },
    },
  };
}
