"""One rendition of a live asset: what its playlist shows and the bytes that are kept of it."""

from dataclasses import replace

from media.transcode.rendition import Rendition
from media.units import MediaKind
from media.wire.fmp4_iframe import IFRAME_HEADER_BYTES, iframe_bytes
from packager.hls.audio_cutter import AudioCutter
from packager.hls.bitrate import MeasuredBitrate
from packager.hls.boundaries import Boundaries
from packager.hls.bounds import Bounds
from packager.hls.irregularities import Irregularities
from packager.hls.multivariant import IFrameVariant
from packager.hls.playlist import MediaPlaylist, PlaylistType, render_media_playlist
from packager.hls.protection import Protection
from packager.hls.variants import Measured
from packager.hls.video_cutter import VideoCutter
from packager.hls.window import Window
from packager.interval import Interval
from packager.naming import init_name
from packager.playlist_text import PlaylistText


class LiveRendition:
    """Lives as long as the asset; an epoch gives it another `rendition` and cutter."""

    def __init__(
        self,
        rendition: Rendition,
        init: bytes,
        boundaries: Boundaries,
        irregularities: Irregularities,
        window_segments: int,
        bounds: Bounds,
    ) -> None:
        self._boundaries = boundaries
        self._irregularities = irregularities
        self._window = Window(rendition.name, boundaries, window_segments)
        self._bitrate = MeasuredBitrate(boundaries.duration_target)
        self._iframe_bitrate = MeasuredBitrate(boundaries.duration_target)
        self._ceiling = 0
        self._independent = True
        self._bounds = bounds
        self._inits: dict[str, bytes] = {}
        self._bodies: dict[int, tuple[Interval, bytes]] = {}
        self._bodies_bytes = 0
        self._playlist: PlaylistText | None = None
        self._iframe_playlist: PlaylistText | None = None
        self.begin(rendition, init)

    def begin(self, rendition: Rendition, init: bytes) -> None:
        """Go on in a new epoch, also after it was retired."""
        self.rendition = rendition
        self.retired = False
        self.cutter = self._new_cutter(rendition)
        self._ceiling = max(self._ceiling, rendition.bitrate_max)
        self._inits[init_name(self._boundaries.epoch)] = init

    def _new_cutter(self, rendition: Rendition) -> VideoCutter | AudioCutter:
        if rendition.track.kind is MediaKind.VIDEO:
            return VideoCutter(self._boundaries, self._irregularities)
        return AudioCutter(
            self._boundaries, rendition.track.timescale, self._irregularities, self._bounds
        )

    @property
    def is_video(self) -> bool:
        return self.rendition.track.kind is MediaKind.VIDEO

    @property
    def has_segments(self) -> bool:
        return self._window.newest >= 0

    @property
    def newest(self) -> int:
        """The newest complete sequence number; -1 before the first."""
        return self._window.newest

    def publish(self, interval: Interval, body: bytes, *, independent: bool) -> None:
        """Show a complete segment; what is older than any player needs is forgotten."""
        self._window.push(interval, independent=independent)
        self._independent = self._independent and independent
        self._bitrate.add(len(body), interval.duration)
        if self.is_video and independent:
            size = iframe_bytes(body) + IFRAME_HEADER_BYTES
            self._iframe_bitrate.add(size, interval.duration)
        self._bodies[interval.sequence] = (interval, body)
        self._bodies_bytes += len(body)
        self._forget()
        self._playlist = self._iframe_playlist = None

    def _forget(self) -> None:
        """Segments stay three target durations after they left the playlist, if memory allows."""
        needed_from = self._window.oldest_start - 3 * self._boundaries.duration_target
        while len(self._bodies) > 1:
            oldest = next(iter(self._bodies))
            interval, body = self._bodies[oldest]
            if interval.end > needed_from and self._bodies_bytes <= self._bounds.segment_bytes:
                return
            del self._bodies[oldest]
            self._bodies_bytes -= len(body)

    def body(self, sequence: int) -> tuple[Interval, bytes] | None:
        """A segment that is still in memory."""
        return self._bodies.get(sequence)

    def init(self, name: str) -> bytes | None:
        return self._inits.get(name)

    def playlist(
        self, target_duration: int, protection: Protection | None, *, ended: bool
    ) -> PlaylistText:
        """The media playlist as it is now; there must be a segment."""
        if self._playlist is None:
            shown = self._window.shown()
            name = self.rendition.name
            self._playlist = render_media_playlist(
                MediaPlaylist(
                    name, target_duration, shown, PlaylistType.LIVE, ended, protection=protection
                )
            )
        return self._playlist

    def iframe_playlist(self, target_duration: int, *, ended: bool) -> PlaylistText:
        """As `playlist`, of the pictures that segments begin with."""
        if self._iframe_playlist is None:
            shown = [
                replace(each, gap=each.gap or not each.independent, independent=True)
                for each in self._window.shown()
            ]
            name = self.rendition.name
            self._iframe_playlist = render_media_playlist(
                MediaPlaylist(name, target_duration, shown, PlaylistType.LIVE, ended, iframes=True)
            )
        return self._iframe_playlist

    def iframe_variant(self) -> IFrameVariant:
        """What was measured so far: the largest of the next pictures cannot be known."""
        track, rates = self.rendition.track, self._iframe_bitrate
        return IFrameVariant(
            self.rendition.name, rates.peak, rates.average, track.codec, track.width, track.height
        )

    def end(self) -> None:
        """The playlists say from now on that nothing is added."""
        self._playlist = self._iframe_playlist = None

    def measured(self) -> Measured:
        """Never below the declared ceiling, so that the figure only grows while live."""
        return Measured(
            name=self.rendition.name,
            track=self.rendition.track,
            peak=max(self._bitrate.peak, self._ceiling),
            average=self._bitrate.average,
            independent=self._independent,
        )
