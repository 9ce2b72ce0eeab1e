// Asks for playlists of a low-latency live, and waits as long as the server lets it.
import Hls, {
  type HlsConfig,
  type Loader,
  type LoaderCallbacks,
  type LoaderConfiguration,
  type LoaderContext,
  type PlaylistLoaderContext,
} from "hls.js";

import { withClearKeys } from "./clear-keys";

/** The server holds a blocked reload for nine seconds, and then says that nothing came. */
const BLOCKED_MS = 8000;

const DIRECTIVES = ["_HLS_msn", "_HLS_part", "_HLS_skip"];

/**
 * hls.js gives up a blocked reload after about two seconds, and then looks every second and a half
 * until the publisher of an interrupted live is back. Here each of its requests for a playlist that
 * it knows is a blocked one, so that what comes is shown at once; one in which nothing came is
 * answered by the playlist as it is.
 */
export class PatientLoader implements Loader<PlaylistLoaderContext> {
  context: PlaylistLoaderContext | null = null;
  private inner: Loader<LoaderContext>;

  constructor(private readonly config: HlsConfig) {
    this.inner = new Hls.DefaultConfig.loader(config);
  }

  get stats(): Loader<LoaderContext>["stats"] {
    return this.inner.stats;
  }

  load(
    context: PlaylistLoaderContext,
    config: LoaderConfiguration,
    callbacks: LoaderCallbacks<PlaylistLoaderContext>,
  ): void {
    this.context = context;
    const told = toldOf(context, callbacks);
    const blocked = blockedUrl(context);
    if (blocked === null) return this.inner.load(context, config, told);
    const plainly = (): void => {
      this.inner.destroy();
      this.inner = new Hls.DefaultConfig.loader(this.config);
      this.inner.load({ ...context, url: plainUrl(context.url) }, config, told);
    };
    const onError: typeof told.onError = (error, ...rest) =>
      error.code === 503 ? plainly() : told.onError(error, ...rest);
    this.inner.load({ ...context, url: blocked }, patient(config), { ...told, onTimeout: plainly, onError });
  }

  abort(): void {
    this.inner.abort();
  }

  destroy(): void {
    this.inner.destroy();
  }

  getCacheAge(): number | null {
    return this.inner.getCacheAge?.() ?? null;
  }

  getResponseHeader(name: string): string | null {
    return this.inner.getResponseHeader?.(name) ?? null;
  }
}

/** The same callbacks, which hear of the request that hls.js made, whatever was asked for it. */
function toldOf(
  context: PlaylistLoaderContext,
  callbacks: LoaderCallbacks<PlaylistLoaderContext>,
): LoaderCallbacks<LoaderContext> {
  const { onSuccess, onError, onTimeout, onAbort } = callbacks;
  return {
    onSuccess: (response, stats, _asked, details) => {
      const { data } = response;
      const read = typeof data === "string" ? { ...response, data: withClearKeys(data) } : response;
      onSuccess(read, stats, context, details);
    },
    onError: (error, _asked, details, stats) => onError(error, context, details, stats),
    onTimeout: (stats, _asked, details) => onTimeout(stats, context, details),
    onAbort: (stats, _asked, details) => onAbort?.(stats, context, details),
  };
}

/** What to ask for in place of a playlist that is known; null when it is not to be waited for. */
function blockedUrl({ url, deliveryDirectives, levelOrTrack }: PlaylistLoaderContext): string | null {
  const details = levelOrTrack?.details;
  if (details === undefined || !details.live || !details.canBlockReload || !details.partTarget) return null;
  if (deliveryDirectives !== null) return url;
  const next = new URL(url, window.location.href);
  next.searchParams.set("_HLS_msn", String(details.lastPartSn));
  next.searchParams.set("_HLS_part", String(details.lastPartIndex + 1));
  return next.href;
}

function plainUrl(url: string): string {
  const plain = new URL(url, window.location.href);
  for (const directive of DIRECTIVES) plain.searchParams.delete(directive);
  return plain.href;
}

function patient(config: LoaderConfiguration): LoaderConfiguration {
  const loadPolicy = { ...config.loadPolicy, maxTimeToFirstByteMs: BLOCKED_MS, maxLoadTimeMs: BLOCKED_MS };
  return { ...config, loadPolicy, timeout: BLOCKED_MS };
}
