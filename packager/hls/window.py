"""The segments that a live playlist of one rendition shows."""

from collections import deque
from itertools import chain

from packager.hls.boundaries import Boundaries
from packager.hls.playlist import PlaylistSegment
from packager.hls.playlist_terms import PlaylistTerms
from packager.interval import Interval
from packager.playlist_text import token_group


class Window:
    """The newest complete segments, gaps where the rendition missed one.

    It slides when it holds more than it has to and the rest still lasts three target durations
    (RFC 8216, 6.2.2), and as long as viewers may go back.

    Attributes:
        old: what a delta update leaves out, by token group, so that the text of each can be kept.
        recent: the others, newest last.
        dependent: how many begin without a keyframe.
        slid: whether something that was shown is no longer.
    """

    def __init__(self, rendition: str, boundaries: Boundaries, terms: PlaylistTerms) -> None:
        self._rendition = rendition
        self._boundaries = boundaries
        self._terms = terms
        self.old: deque[deque[PlaylistSegment]] = deque()
        self.old_count = 0
        self.recent: deque[PlaylistSegment] = deque()
        self.dependent = 0
        self.slid = False
        self._recent_duration = 0
        self._duration = 0
        self._newest = -1

    @property
    def newest(self) -> int:
        """The newest sequence number; -1 before the first."""
        return self._newest

    @property
    def first(self) -> PlaylistSegment:
        """There has to be one."""
        return self.old[0][0] if self.old else self.recent[0]

    def __len__(self) -> int:
        return self.old_count + len(self.recent)

    def shown(self) -> tuple[PlaylistSegment, ...]:
        return (*chain.from_iterable(self.old), *self.recent)

    def push(self, interval: Interval, *, independent: bool, lost: bool = False) -> None:
        """Show a complete segment, newer than all before; or that only parts of it are there."""
        assert interval.sequence > self._newest, "segments are published in order"
        self.skip_to(interval.sequence)
        self._append(PlaylistSegment(interval, lost, lost or independent, self._rendition))

    def skip_to(self, sequence: int) -> None:
        """Show gaps up to a segment that now begins."""
        if self._newest < 0:
            return
        for missing in range(self._newest + 1, sequence):
            missed = self._boundaries.interval(missing)
            if missed is not None:
                self._append(PlaylistSegment(missed, True, True, self._rendition))

    def _append(self, segment: PlaylistSegment) -> None:
        self._newest = segment.interval.sequence
        self.recent.append(segment)
        self.dependent += not segment.independent
        self._duration += segment.interval.duration
        self._recent_duration += segment.interval.duration
        while self._rest(self._recent_duration, self.recent[0]) >= self._terms.skip_boundary:
            self._age()
        while len(self) > self._terms.window_segments and self._may_slide():
            self._slide()

    def _age(self) -> None:
        segment = self.recent.popleft()
        self._recent_duration -= segment.interval.duration
        group = token_group(segment.interval.sequence)
        if not self.old or token_group(self.old[-1][-1].interval.sequence) != group:
            self.old.append(deque())
        self.old[-1].append(segment)
        self.old_count += 1

    def _may_slide(self) -> bool:
        if len(self) > self._terms.segments_max:
            return True
        return self._rest(self._duration, self.first) >= self._terms.window_duration

    def _slide(self) -> None:
        self.slid = True
        if self.old:
            segment = self.old[0].popleft()
            self.old_count -= 1
            if not self.old[0]:
                self.old.popleft()
        else:
            segment = self.recent.popleft()
            self._recent_duration -= segment.interval.duration
        self.dependent -= not segment.independent
        self._duration -= segment.interval.duration

    @staticmethod
    def _rest(duration: int, oldest: PlaylistSegment) -> int:
        return duration - oldest.interval.duration
