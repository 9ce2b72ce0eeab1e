"""The text of a window's segments, each written when it changes and kept as long as it does not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from packager.hls.playlist import InForce, PlaylistSegment, extinf, segment_tags, segment_uri
from packager.hls.protection import Protection
from packager.playlist_text import PlaylistText, Run, token_group


@dataclass(frozen=True, slots=True)
class _Written:
    """Text of some neighbours, and what it depends on.

    Attributes:
        key: which they are, with what, and whether they are first in the playlist.
        before, after: what is in force.
    """

    key: tuple[int, int, bool]
    before: InForce
    after: InForce
    runs: tuple[Run, ...]


class WindowText:
    """Of one playlist of a rendition.

    What is old is kept by token group, so a part costs nothing of it, and a segment only the first
    and the last group.
    """

    def __init__(self, rendition: str, protection: Protection | None, *, iframes: bool) -> None:
        self._rendition = rendition
        self._nothing = InForce(protection)
        self._iframes = iframes
        self._groups: dict[int, _Written] = {}
        self._segments: dict[int, _Written] = {}

    def old(
        self, groups: Iterable[Sequence[PlaylistSegment]]
    ) -> tuple[tuple[Run, ...], InForce | None]:
        """Runs of text, and what is in force after them; None when there are none."""
        kept, self._groups = self._groups, {}
        runs: list[Run] = []
        in_force = None
        for group in groups:
            number = token_group(group[0].interval.sequence)
            key = (group[0].interval.sequence, group[-1].interval.sequence, in_force is None)
            written = self._written(kept.get(number), key, in_force or self._nothing, group, ())
            self._groups[number] = written
            runs += written.runs
            in_force = written.after
        return tuple(runs), in_force

    def recent(
        self,
        segments: Iterable[PlaylistSegment],
        in_force: InForce | None,
        parts: Mapping[int, Sequence[str]],
    ) -> tuple[list[Run], InForce | None]:
        """As `old`, after what is in force; with the lines of parts by sequence number."""
        kept, self._segments = self._segments, {}
        runs: list[Run] = []
        for segment in segments:
            number = segment.interval.sequence
            lines = parts.get(number, ())
            key = (number, len(lines), in_force is None)
            before = in_force or self._nothing
            written = self._written(kept.get(number), key, before, (segment,), lines)
            self._segments[number] = written
            runs += written.runs
            in_force = written.after
        return runs, in_force

    def opening(self, segment: PlaylistSegment, in_force: InForce | None) -> list[str]:
        """What stands before the parts of a segment that is not complete."""
        return segment_tags(
            self._rendition, segment, in_force or self._nothing, first=in_force is None
        )[0]

    def _written(
        self,
        kept: _Written | None,
        key: tuple[int, int, bool],
        before: InForce,
        segments: Sequence[PlaylistSegment],
        parts: Sequence[str],
    ) -> _Written:
        if kept is not None and (kept.key, kept.before) == (key, before):
            return kept
        first, in_force = key[2], before
        lines: list[tuple[int, str]] = []
        for segment in segments:
            group = token_group(segment.interval.sequence)
            text, in_force = self._lines(segment, in_force, parts, first=first)
            lines += [(group, line) for line in text]
            first = False
        return _Written(key, before, in_force, PlaylistText.of(lines).runs)

    def _lines(
        self, segment: PlaylistSegment, in_force: InForce, parts: Sequence[str], *, first: bool
    ) -> tuple[list[str], InForce]:
        if self._iframes:
            gap = segment.gap or not segment.independent
            segment = replace(segment, gap=gap, independent=True)
        # The lines of parts say themselves which of them are missing.
        tagged = replace(segment, gap=False) if parts else segment
        tags, in_force = segment_tags(self._rendition, tagged, in_force, first=first)
        uri = segment_uri(segment, in_force.protection, iframes=self._iframes)
        return [*tags, *parts, extinf(segment.interval.duration), uri], in_force
