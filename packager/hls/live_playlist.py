"""The media playlist of a live rendition, or of its I-frames, and its delta update."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from packager.hls.parts import OpenSegment
from packager.hls.playlist import INDEPENDENT, VERSION, InForce, PlaylistSegment
from packager.hls.playlist_terms import PlaylistTerms
from packager.hls.window import Window
from packager.hls.window_text import WindowText
from packager.naming import part_name
from packager.playlist_text import PlaylistText, Run, opened_by_token, token_group

# EXT-X-SKIP needs version 9 (rfc8216bis, 8).
_VERSION_OF_DELTA = 9


@dataclass(frozen=True, slots=True)
class Edge:
    """Where the newest media is.

    Attributes:
        open: the segment that has parts but is not complete.
        parts: lines of the parts of complete segments, by sequence number.
        hint: the part that comes next, by its segment and its number in it.
        reports: EXT-X-RENDITION-REPORT lines.
        ended: nothing will be added.
    """

    open: OpenSegment | None
    parts: Mapping[int, Sequence[str]]
    hint: tuple[int, int] | None
    reports: tuple[str, ...]
    ended: bool


class LivePlaylist:
    """Renders a window when it is asked for, once for all who ask before it changes."""

    def __init__(
        self, rendition: str, window: Window, terms: PlaylistTerms, *, iframes: bool = False
    ) -> None:
        self._rendition = rendition
        self._window = window
        self._terms = terms
        self._iframes = iframes
        self._text = WindowText(rendition, terms.protection, iframes=iframes)
        self._old_key = (-1, -1)
        self._old: tuple[tuple[Run, ...], InForce | None] = ((), None)
        self._bodies: dict[bool, tuple[Run, ...]] = {}
        self._rendered: dict[bool, tuple[Edge, PlaylistText]] = {}

    def changed(self) -> None:
        """Something was added."""
        self._bodies.clear()
        self._rendered.clear()

    def render(self, edge: Edge, *, skip: bool) -> PlaylistText:
        """There must be a segment.

        Args:
            skip: as a delta update, unless nothing would be left out, or nothing is added any more.
        """
        skip = skip and not edge.ended and self._window.old_count > 0
        known = self._rendered.get(skip)
        if known is not None and known[0].reports == edge.reports:
            return known[1]
        if skip not in self._bodies:
            self._bodies[skip] = self._body(edge, skip=skip)
        group = token_group(self._window.newest if edge.hint is None else edge.hint[0])
        tail = PlaylistText.of((group, line) for line in self._tail(edge))
        text = PlaylistText.joined(self._bodies[skip] + tail.runs)
        self._rendered[skip] = edge, text
        return text

    def _body(self, edge: Edge, *, skip: bool) -> tuple[Run, ...]:
        """All but what is after the newest part."""
        window = self._window
        group = token_group(window.first.interval.sequence)
        head = PlaylistText.of((group, line) for line in self._head(edge, skip=skip))
        old, in_force = self._old_text()
        recent, in_force = self._text.recent(window.recent, in_force, self._listed_parts(edge))
        return (*head.runs, *(() if skip else old), *recent, *self._open_text(edge, in_force))

    def _old_text(self) -> tuple[tuple[Run, ...], InForce | None]:
        window = self._window
        key = (window.first.interval.sequence, window.old_count)
        if key != self._old_key:
            self._old_key, self._old = key, self._text.old(window.old)
        return self._old

    def _listed_parts(self, edge: Edge) -> dict[int, Sequence[str]]:
        """Of segments that are not too far from the end of the playlist (rfc8216bis, 6.2.2)."""
        listed: dict[int, Sequence[str]] = {}
        if edge.ended or self._iframes:
            return listed
        distance = 0 if edge.open is None else edge.open.end - edge.open.interval.start
        for segment in reversed(self._window.recent):
            distance += segment.interval.duration
            if distance > self._terms.part_boundary:
                break
            listed[segment.interval.sequence] = edge.parts.get(segment.interval.sequence, ())
        return listed

    def _open_text(self, edge: Edge, in_force: InForce | None) -> tuple[Run, ...]:
        open_ = edge.open
        if open_ is None or edge.ended or self._iframes:
            return ()
        group = token_group(open_.sequence)
        segment = PlaylistSegment(open_.interval, False, open_.independent, self._rendition)
        lines = [*self._text.opening(segment, in_force), *open_.lines]
        return PlaylistText.of((group, line) for line in lines).runs

    def _head(self, edge: Edge, *, skip: bool) -> Iterator[str]:
        window, first = self._window, self._window.first.interval
        yield "#EXTM3U"
        yield f"#EXT-X-VERSION:{_VERSION_OF_DELTA if skip else VERSION}"
        yield f"#EXT-X-TARGETDURATION:{self._terms.target_duration}"
        if not edge.ended:
            yield self._terms.server_control()
            yield from () if self._iframes else self._terms.part_inf()
        yield f"#EXT-X-MEDIA-SEQUENCE:{first.sequence}"
        # The first segment's own tag is not counted here while it is printed below.
        yield f"#EXT-X-DISCONTINUITY-SEQUENCE:{first.discontinuities - first.discontinuity}"
        if self._iframes:
            yield "#EXT-X-I-FRAMES-ONLY"
        if self._terms.is_event and not window.slid:
            # It cannot promise of what is to come that it begins with keyframes, nor take it back.
            yield "#EXT-X-PLAYLIST-TYPE:EVENT"
        elif self._iframes or self._is_independent(edge):
            yield INDEPENDENT
        if skip:
            yield f"#EXT-X-SKIP:SKIPPED-SEGMENTS={window.old_count}"

    def _is_independent(self, edge: Edge) -> bool:
        open_is = edge.open is None or edge.open.independent
        return open_is and not self._window.dependent

    def _tail(self, edge: Edge) -> Iterator[str]:
        if edge.ended:
            yield "#EXT-X-ENDLIST"
        elif not self._iframes:
            if edge.hint is not None:
                uri = opened_by_token(f"{self._rendition}/{part_name(*edge.hint)}")
                yield f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{uri}"'
            yield from edge.reports
