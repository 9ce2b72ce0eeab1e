"""The timeline that all renditions of an asset share: numbered intervals between boundaries.

The first rendition that reaches a boundary numbers it; the others find it here. An interval is
closed by the next boundary, so it may still be open in a rendition that is behind. Where media
stops for longer than a segment may last, the interval ends with the media, and the next one comes
after a discontinuity: a hole is neither played nor billed.

All times are in 1/90000 s unless the name says otherwise.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from config.limits import HLS_INTERVALS_KEPT
from media.units import VIDEO_TIMESCALE
from packager.hls.flaws import Flaws
from packager.interval import Interval

_TICKS_A_MS = VIDEO_TIMESCALE // 1000
# An epoch's last picture lasts as long as the one before it, unless the next epoch comes sooner.
_OVERLAP_MAX = VIDEO_TIMESCALE // 2


@dataclass(frozen=True, slots=True)
class _Open:
    """An interval whose end is not known yet."""

    sequence: int
    start: int
    wall_ms: int
    discontinuity: bool
    discontinuities: int


def target_duration_s(segment_target_ms: int) -> int:
    """What EXT-X-TARGETDURATION is for the life of a playlist.

    Passed-through video is cut at the first keyframe after three quarters of the target, and its
    keyframes are at most one target apart: 1.75 targets, rounded as EXTINF is (RFC 8216, 4.3.3.1).
    """
    return max(1, -(-(7 * segment_target_ms - 2000) // 4000))


class Boundaries:
    """Numbers intervals; remembers those that were given, and the newest."""

    def __init__(
        self,
        target_duration: int,
        known: Sequence[Interval] = (),
        kept_max: int = HLS_INTERVALS_KEPT,
    ) -> None:
        """Begin a timeline, or go on with one.

        Args:
            target_duration: the playlists', in whole seconds.
            known: intervals of the first epoch from its start: it has been made before, at least
                in part, and is made again with the same boundaries.
            kept_max: how many of the newest are remembered besides those.
        """
        self.flaws = Flaws()
        self.duration_target = target_duration * VIDEO_TIMESCALE
        self.duration_max = self.duration_target + VIDEO_TIMESCALE // 2 - 1
        self.duration_total = sum(each.duration for each in known)
        self.epoch = -1
        self.epoch_sequence = 0
        self._places_max = HLS_INTERVALS_KEPT + len(known)
        self._closed: deque[Interval] = deque(known, maxlen=kept_max + len(known))
        self._places: dict[int, int] = {}
        self._open: _Open | None = None
        self._held_until = 0
        self._next_sequence = known[-1].sequence + 1 if known else 0
        self._discontinuities = known[-1].discontinuities if known else 0
        self._wall_anchor = (0, 0)

    @property
    def open_sequence(self) -> int | None:
        return None if self._open is None else self._open.sequence

    @property
    def open_start(self) -> int | None:
        return None if self._open is None else self._open.start

    def begin_epoch(self) -> None:
        """What was open must have been closed or discarded."""
        assert self._open is None, "an epoch begins with nothing open"
        self.epoch += 1
        ours = [each for each in self._closed if each.epoch == self.epoch]
        self._places = {each.start: each.sequence for each in ours}
        self.epoch_sequence = ours[0].sequence if ours else self._next_sequence

    def find(self, start: int) -> int | None:
        """The sequence number of this epoch's boundary at `start`."""
        return self._places.get(start)

    def may_open(self, start: int) -> bool:
        """Whether `start` is later than all that is numbered, but for a small overlap.

        And than the parts that were published of the open interval.
        """
        if self._open is not None:
            return start > self._held_until
        return not self._closed or start > self._closed[-1].end - _OVERLAP_MAX

    def open(self, start: int, wall_ms: int, media_end: int | None = None) -> int:
        """Number the interval that begins at `start`, and close the one before.

        Args:
            wall_ms: the time now; only counts after a discontinuity.
            media_end: where the caller's media before `start` ended, when known; only counts when
                there is a hole.
        """
        assert self.may_open(start), "boundaries come in order"
        if self._open is not None:
            self.close(self._end_before(self._open, start, media_end))
        self._places[start] = self._next_sequence
        last_end = self._closed[-1].end if self._closed else start
        start = max(start, last_end)
        discontinuity = bool(self._closed) and (
            self._closed[-1].epoch != self.epoch or start != last_end
        )
        self._discontinuities += discontinuity
        self._open = _Open(
            self._next_sequence,
            start,
            self._wall_ms(start, wall_ms, discontinuity),
            discontinuity,
            self._discontinuities,
        )
        self._held_until = start
        self._next_sequence += 1
        return self._open.sequence

    @property
    def has_parts(self) -> bool:
        """Whether parts of the open interval were published."""
        return self._open is not None and self._held_until > self._open.start

    def hold(self, sequence: int, end: int) -> None:
        """A part was published: if its interval is open, it ends later than that part."""
        if self._open is not None and self._open.sequence == sequence:
            self._held_until = max(self._held_until, end)

    def _end_before(self, open_: _Open, start: int, media_end: int | None) -> int:
        if start - open_.start <= self.duration_max:
            return start
        return self.bounded_end(open_.start, start if media_end is None else media_end)

    def bounded_end(self, start: int, media_end: int) -> int:
        """Where an interval ends that no boundary ends: with its media, unless that is too long."""
        if media_end - start > self.duration_max:
            return start + self.duration_target
        return max(media_end, start + 1)

    def _wall_ms(self, start: int, now_ms: int, discontinuity: bool) -> int:
        """The time of day at `start`, continued by media time up to the next discontinuity.

        So it falls behind by the time that a publisher was away, although a second date in the
        playlist could tell it: hls.js 1.7.4 (`alignMediaPlaylistByPDT`) lays two playlists over
        each other by one date of each, the first of one and the middle of the other. With the gap
        between these, whoever joins or changes quality has picture and sound apart by its length.
        """
        anchor, anchor_ms = self._wall_anchor
        continued_ms = anchor_ms + (start - anchor) // _TICKS_A_MS
        if self._closed and not discontinuity:
            return continued_ms
        if self._closed:
            last = self._closed[-1]
            now_ms = max(now_ms, last.wall_ms + last.duration // _TICKS_A_MS)
        self._wall_anchor = (start, now_ms)
        return now_ms

    def close(self, end: int) -> None:
        """End the open interval without opening another."""
        assert self._open is not None, "nothing is open"
        was, self._open = self._open, None
        interval = self._interval(was, max(end, self._held_until + 1))
        self._closed.append(interval)
        if len(self._places) > self._places_max:
            del self._places[next(iter(self._places))]
        self.duration_total += interval.duration

    def _interval(self, was: _Open, end: int) -> Interval:
        return Interval(
            sequence=was.sequence,
            epoch=self.epoch,
            start=was.start,
            end=end,
            wall_ms=was.wall_ms,
            discontinuity=was.discontinuity,
            discontinuities=was.discontinuities,
            flawed=self.flaws.touch(was.start, end),
        )

    def discard(self) -> None:
        """Forget the open interval, if any: no rendition has media of it."""
        if self._open is None:
            return
        self._discontinuities -= self._open.discontinuity
        self._next_sequence -= 1
        self._places = {
            start: sequence
            for start, sequence in self._places.items()
            if sequence != self._open.sequence
        }
        self._open = None

    def start(self, sequence: int) -> int | None:
        """Where an interval of this epoch starts, open or closed, while it is remembered."""
        if self._open is not None and sequence == self._open.sequence:
            return self._open.start
        interval = self.interval(sequence)
        return None if interval is None or interval.epoch != self.epoch else interval.start

    def begun(self, sequence: int) -> Interval | None:
        """An interval as `interval`; one that is still open ends where its last part does."""
        was = self._open
        if was is None or was.sequence != sequence:
            return self.interval(sequence)
        return self._interval(was, self._held_until)

    def interval(self, sequence: int) -> Interval | None:
        """The interval once its end is known, while it is remembered."""
        if not self._closed:
            return None
        index = sequence - self._closed[0].sequence
        return self._closed[index] if 0 <= index < len(self._closed) else None
