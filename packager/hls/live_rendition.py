"""One rendition of a live asset: what its playlist shows and the bytes that are kept of it."""

from media.transcode.rendition import Rendition
from media.units import MediaKind
from media.wire.fmp4_iframe import IFRAME_HEADER_BYTES, iframe_bytes
from packager.arrival import Arrival
from packager.hls.audio_cutter import AudioCutter
from packager.hls.awaited import Awaited, Place
from packager.hls.bitrate import MeasuredBitrate
from packager.hls.boundaries import Boundaries
from packager.hls.bounds import Bounds
from packager.hls.cut import Cut
from packager.hls.irregularities import Irregularities
from packager.hls.live_playlist import Edge, LivePlaylist
from packager.hls.multivariant import IFrameVariant
from packager.hls.parts import OpenSegment, Part
from packager.hls.playlist_terms import PlaylistTerms
from packager.hls.stored import StoredSegment, StoredSegments
from packager.hls.variants import Measured
from packager.hls.video_cutter import VideoCutter
from packager.hls.window import Window
from packager.interval import Interval
from packager.naming import init_name, playlist_path
from packager.package import BadReload
from packager.playlist_text import PlaylistText


class LiveRendition:
    """Lives as long as the asset; an epoch gives it another `rendition` and cutter."""

    def __init__(
        self,
        rendition: Rendition,
        init: bytes,
        boundaries: Boundaries,
        irregularities: Irregularities,
        terms: PlaylistTerms,
        bounds: Bounds,
    ) -> None:
        self._boundaries = boundaries
        self._irregularities = irregularities
        self._terms = terms
        self._bounds = bounds
        self._window = Window(rendition.name, boundaries, terms)
        self._playlist = LivePlaylist(rendition.name, self._window, terms)
        self._iframe_playlist = LivePlaylist(rendition.name, self._window, terms, iframes=True)
        self._bitrate = MeasuredBitrate(boundaries.duration_target)
        self._iframe_bitrate = MeasuredBitrate(boundaries.duration_target)
        self._ceiling = 0
        self._independent = True
        self._inits: dict[str, bytes] = {}
        self._open: OpenSegment | None = None
        self._part_lines: dict[int, list[str]] = {}
        self._stored = StoredSegments(
            terms.window_segments, terms.part_boundary, bounds.segment_bytes
        )
        self._awaited = Awaited()
        self._report: str | None = None
        self.begin(rendition, init)

    def begin(self, rendition: Rendition, init: bytes) -> None:
        """Go on in a new epoch, also after it was retired."""
        self.rendition = rendition
        self.retired = self.ended = False
        self.cutter = self._new_cutter(rendition)
        self._ceiling = max(self._ceiling, rendition.bitrate_max)
        self._inits[init_name(self._boundaries.epoch)] = init

    def _new_cutter(self, rendition: Rendition) -> VideoCutter | AudioCutter:
        if rendition.track.kind is MediaKind.VIDEO:
            return VideoCutter(self._boundaries, self._irregularities, self._terms.part_target)
        return AudioCutter(
            self._boundaries,
            rendition.track.timescale,
            self._irregularities,
            self._bounds,
            self._terms.part_target,
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

    # --- media -----------------------------------------------------------------------------------

    def next_part(self, sequence: int) -> int:
        """The number of the part of a segment that comes next."""
        open_ = self._open
        return len(open_.parts) if open_ is not None and open_.sequence == sequence else 0

    def publish(self, cut: Cut, body: bytes) -> StoredSegment | None:
        """Show a part; returns the segment when that completes it."""
        independent = cut.packets[0].keyframe or not self.is_video
        open_ = self._opened(cut.sequence)
        if cut.end is not None:
            open_.add(body, cut.end, independent=independent)
            self._boundaries.hold(cut.sequence, cut.end)
            self._changed()
            return None
        interval = self._boundaries.interval(cut.sequence)
        assert interval is not None, "only closed intervals are completed"
        open_.add(body, interval.end, independent=independent)
        return self._complete(open_, interval)

    def _opened(self, sequence: int) -> OpenSegment:
        if self._open is None or self._open.sequence != sequence:
            self.lose_open()
            begun = self._boundaries.begun(sequence)
            assert begun is not None, "only numbered intervals are cut"
            self._window.skip_to(sequence)
            self._open = OpenSegment(self.rendition.name, begun, self._terms.part_target)
        return self._open

    def _complete(self, open_: OpenSegment, interval: Interval) -> StoredSegment:
        body = open_.body()
        self._independent = self._independent and open_.independent
        self._bitrate.add(len(body), interval.duration)
        if self.is_video and open_.independent:
            size = iframe_bytes(body) + IFRAME_HEADER_BYTES
            self._iframe_bitrate.add(size, interval.duration)
        segment = self._store(open_, interval, body, lost=False)
        self._window.push(interval, independent=open_.independent)
        self._iframe_playlist.changed()
        self._changed()
        return segment

    def lose_open(self) -> None:
        """Nothing more comes of the segment whose parts were published, if there is one."""
        open_, self._open = self._open, None
        interval = None if open_ is None else self._boundaries.interval(open_.sequence)
        if open_ is None or interval is None:
            return
        if self.has_segments:
            open_.miss_rest(interval.end)
            self._store(open_, interval, open_.body(), lost=True)
            self._window.push(interval, independent=True, lost=True)
            self._iframe_playlist.changed()
        self._changed()

    def _store(
        self, open_: OpenSegment, interval: Interval, body: bytes, *, lost: bool
    ) -> StoredSegment:
        self._open = None
        has_parts = self._terms.part_target is not None
        parts = tuple(open_.parts) if has_parts else ()
        segment = StoredSegment(interval, body, parts, open_.independent, lost)
        self._stored.add(segment)
        if has_parts:
            self._part_lines[open_.sequence] = open_.lines
            listed = self._window.recent
            oldest = listed[0].interval.sequence if listed else open_.sequence
            while (sequence := next(iter(self._part_lines))) < oldest:
                del self._part_lines[sequence]
        return segment

    # --- files -----------------------------------------------------------------------------------

    def body(self, sequence: int) -> tuple[Interval, bytes] | None:
        """A segment that is still in memory."""
        stored = self._stored.get(sequence)
        return None if stored is None or stored.lost else (stored.interval, stored.body)

    def part(self, sequence: int, number: int) -> tuple[Part, bytes] | None:
        """A part that is still in memory."""
        open_ = self._open
        if open_ is not None and open_.sequence == sequence:
            body = open_.part_body(number)
            return None if body is None else (open_.parts[number], body)
        stored = self._stored.get(sequence)
        return None if stored is None else stored.part(number)

    def init(self, name: str) -> bytes | None:
        return self._inits.get(name)

    # --- playlists -------------------------------------------------------------------------------

    def playlist(self, reports: tuple[str, ...], *, skip: bool) -> PlaylistText:
        """The media playlist as it is now; there must be a segment."""
        edge = Edge(self._open, self._part_lines, self.hint, reports, self.ended)
        return self._playlist.render(edge, skip=skip)

    def iframe_playlist(self, *, skip: bool) -> PlaylistText:
        """As `playlist`, of the pictures that segments begin with."""
        return self._iframe_playlist.render(Edge(None, {}, None, (), self.ended), skip=skip)

    @property
    def hint(self) -> tuple[int, int] | None:
        """The part that may be asked for before it is there; None where there are no parts."""
        return None if self.ended or self._terms.part_target is None else self.next_place

    @property
    def next_place(self) -> tuple[int, int]:
        """The next part, by its segment and its number in that."""
        if self._open is not None:
            return self._open.sequence, len(self._open.parts)
        return self._window.newest + 1, 0

    def report(self) -> str:
        """EXT-X-RENDITION-REPORT (rfc8216bis, 4.4.5.4), for the playlists of others; cached."""
        if self._report is None:
            self._report = self._new_report()
        return self._report

    def _new_report(self) -> str:
        report = f'#EXT-X-RENDITION-REPORT:URI="../{playlist_path(self.rendition.name)}"'
        if self._open is not None:
            last = len(self._open.parts) - 1
            return f"{report},LAST-MSN={self._open.sequence},LAST-PART={last}"
        report = f"{report},LAST-MSN={self.newest}"
        count = self._parts_of_newest()
        return f"{report},LAST-PART={count - 1}" if count else report

    def _parts_of_newest(self) -> int:
        stored = self._stored.get(self.newest)
        return 0 if stored is None else len(stored.parts)

    def iframe_variant(self) -> IFrameVariant:
        """What was measured so far: the largest of the next pictures cannot be known."""
        track, rates = self.rendition.track, self._iframe_bitrate
        return IFrameVariant(
            self.rendition.name, rates.peak, rates.average, track.codec, track.width, track.height
        )

    def _changed(self) -> None:
        self._report = None
        self._playlist.changed()

    def end(self) -> None:
        """The playlists say from now on that nothing is added, and nobody waits for it."""
        self.ended = True
        self._playlist.changed()
        self._iframe_playlist.changed()
        self.release(all_of_them=True)

    def measured(self) -> Measured:
        """Never below the declared ceiling, so that the figure only grows while live."""
        return Measured(
            name=self.rendition.name,
            track=self.rendition.track,
            peak=max(self._bitrate.peak, self._ceiling),
            average=self._bitrate.average,
            independent=self._independent,
        )

    # --- waiting ---------------------------------------------------------------------------------

    def arrival(self, sequence: int, part: int | None) -> Arrival | None:
        """What a player waits for; None when it is there.

        Raises:
            BadReload: it is too far ahead (rfc8216bis, 6.2.5.2).
        """
        if self._terms.part_target is None:
            part = None
        if self._is_there((sequence, part)):
            return None
        open_, number = self.next_place
        ahead = 0 if part is None else part + 1 - (number if sequence == open_ else 0)
        if sequence > self.newest + 2 or not self._terms.is_within_advance(ahead):
            raise BadReload(f"segment {sequence}, part {part}")
        return self._awaited.arrival((sequence, part))

    def _is_there(self, place: Place) -> bool:
        """A part after a segment's last one is the first of the next (rfc8216bis, 6.2.5.2)."""
        sequence, part = place
        if part is None or sequence < self.newest:
            return sequence <= self.newest
        if sequence == self.newest:
            return self._open is not None or part < self._parts_of_newest()
        open_ = self._open
        return open_ is not None and (open_.sequence, len(open_.parts)) > (sequence, part)

    def release(self, *, all_of_them: bool = False) -> None:
        """Tell those who wait for what is there now; or all, since nothing more comes."""
        self._awaited.release(lambda place: all_of_them or self._is_there(place))
