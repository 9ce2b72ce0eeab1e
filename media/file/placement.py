"""Places all packets of a file on one timeline, knowing all of their times beforehand.

A file's clock may be wrong in many ways: stamps are missing, single ones are absurd, the clock
wraps or starts again (recordings put together), or jumps far ahead. Tracks keep their offset to
each other throughout; nobody is to pay for time in which there is nothing.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from config.limits import (
    FILE_STAMP_RUN_MAX,
    FILE_STILL_MS_MAX,
    FILE_TICKS_PER_BYTE,
    TIMELINE_BACKWARD_MS_MAX,
    TIMELINE_GAP_MS_MAX,
)
from media.timeline import TIMELINE_START, Lane
from media.units import VIDEO_TIMESCALE, MediaKind

_TICKS_PER_MS = VIDEO_TIMESCALE // 1000
_GAP_MAX = TIMELINE_GAP_MS_MAX * _TICKS_PER_MS
_BACKWARD_MAX = TIMELINE_BACKWARD_MS_MAX * _TICKS_PER_MS
_STILL_MAX = FILE_STILL_MS_MAX * _TICKS_PER_MS
# A sound encoder's first frames come before the first sample that was meant to be heard.
_PRIMING_MAX = 200 * _TICKS_PER_MS
_STEP_UNKNOWN = VIDEO_TIMESCALE // 30
# What no clock of a real file says: 3,000 years. Sums of such stamps still fit into 64 bits.
_STAMP_MAX = 1 << 53

_UNKNOWN = -(1 << 63)


@dataclass(frozen=True, slots=True)
class PlacedTrack:
    """Times of a track's packets in the file's order, on our timeline, in 1/90000 s.

    Attributes:
        start, end: of what is to be seen or heard; a packet that only primes a decoder may lie
            before.
    """

    dts: Sequence[int]
    pts: Sequence[int]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Where everything lies; `jumps` counts how often the file's clock was overruled.

    Attributes:
        shift: moves a time of the file that belongs to no packet, such as that of a caption.
        one_clock: the file's clock never starts again; else such times say too little.
    """

    tracks: dict[Lane, PlacedTrack]
    jumps: int
    shift: Callable[[int], int]
    one_clock: bool

    @property
    def end(self) -> int:
        return max((track.end for track in self.tracks.values()), default=TIMELINE_START)


@dataclass(slots=True)
class _Lane:
    """Times of one track as they are repaired, and how far its clock has come."""

    dts: "array[int]" = field(default_factory=lambda: array("q"))
    pts: "array[int]" = field(default_factory=lambda: array("q"))
    duration: "array[int]" = field(default_factory=lambda: array("q"))
    hidden: set[int] = field(default_factory=set)
    correction: int = 0
    last: int = _UNKNOWN
    end: int = _UNKNOWN


class Timetable:
    """Takes the times of all packets in the order of the file, then places them."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, _Lane] = {}
        self._order: list[_Lane] = []
        self._bytes = 0
        self._jumps = 0

    def add(
        self,
        key: Lane,
        pts: int | None,
        dts: int | None,
        duration: int,
        size: int,
        *,
        shown: bool = True,
    ) -> None:
        """Take the times of the next packet, in 1/90000 s.

        Args:
            key: of its track.
            duration: 0 when unknown.
            size: in bytes.
            shown: false for what only other packets need for their decoding.
        """
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane()
        if not shown:
            lane.hidden.add(len(lane.dts))
        lane.pts.append(_sane(pts))
        lane.dts.append(_sane(dts))
        lane.duration.append(min(max(duration, 0), _GAP_MAX))
        self._order.append(lane)
        self._bytes += size

    def place(self) -> Placement:
        """Place all packets; to be called once."""
        for lane in self._lanes.values():
            _fill_in(lane)
            self._jumps += _straighten(lane)
        self._follow_clocks()
        holes = self._holes()
        first = min((_first(kind, lane) for (kind, _), lane in self._lanes.items()), default=0)
        shift = _Shift(holes, TIMELINE_START - first)
        self._jumps += len(holes)
        tracks = {key: _placed(key[0], lane, shift) for key, lane in self._lanes.items()}
        one_clock = not any(lane.correction for lane in self._lanes.values())
        return Placement(tracks, self._jumps, shift, one_clock)

    def _follow_clocks(self) -> None:
        """Where a clock went back, go on from where everything had ended."""
        places = dict.fromkeys(map(id, self._order), 0)
        for lane in self._order:
            place = places[id(lane)]
            places[id(lane)] = place + 1
            stamp = lane.dts[place]
            placed = stamp + lane.correction
            if lane.last != _UNKNOWN and not (
                lane.last - _BACKWARD_MAX <= placed <= lane.end + _GAP_MAX
            ):
                lane.correction = self._correction(lane, stamp)
                placed = stamp + lane.correction
            if lane.correction:
                lane.dts[place] = placed
                lane.pts[place] += lane.correction
            lane.last = placed
            lane.end = max(lane.end, placed + lane.duration[place])

    def _correction(self, lane: _Lane, stamp: int) -> int:
        """What to add to a stamp that does not go on from the one before.

        A correction that another track already has keeps both in step. A stamp that is too late
        without one is a hole, which concerns all tracks together.
        """
        known = {one.correction for one in self._lanes.values()}
        near = [one for one in known if -_BACKWARD_MAX <= stamp + one - lane.end <= _GAP_MAX]
        if near:
            return min(near, key=lambda one: abs(stamp + one - lane.end))
        if stamp + lane.correction > lane.end:
            return lane.correction
        self._jumps += 1
        return max(one.end for one in self._lanes.values()) - stamp

    def _holes(self) -> list[tuple[int, int]]:
        """Stretches longer than a gap may be in which no track has anything, in order.

        Without sound a picture stands until the next one comes, up to a limit. What that adds has
        to be paid for in bytes, so that a small file cannot claim to be long.
        """
        may_stand = all(kind is MediaKind.VIDEO for kind, _ in self._lanes)
        credit = self._bytes * FILE_TICKS_PER_BYTE
        holes = []
        covered = None
        for start, end in self._stretches():
            if covered is not None and start - covered > _GAP_MAX:
                if may_stand and start - covered <= min(_STILL_MAX, credit):
                    credit -= start - covered
                else:
                    holes.append((covered, start))
            covered = end if covered is None else max(covered, end)
        return holes

    def _stretches(self) -> Iterator[tuple[int, int]]:
        """When each packet that is shown begins and ends, in order."""
        stretches = [
            (pts, pts + duration)
            for lane in self._lanes.values()
            for place, (pts, duration) in enumerate(zip(lane.pts, lane.duration, strict=True))
            if place not in lane.hidden
        ]
        stretches.sort()
        return iter(stretches)


class _Shift:
    """Moves times onto the timeline, without the holes."""

    def __init__(self, holes: Sequence[tuple[int, int]], offset: int) -> None:
        self._starts = [start for start, _ in holes]
        self._offset = offset
        self._removed = [0]
        for start, end in holes:
            self._removed.append(self._removed[-1] + end - start)
        self._ends = [end for _, end in holes]

    def __call__(self, time: int) -> int:
        at = bisect_right(self._ends, time)
        if at < len(self._starts) and time > self._starts[at]:
            time = self._starts[at]
        return time - self._removed[at] + self._offset

    def all(self, times: "array[int]") -> "array[int]":
        if not self._starts:
            offset = self._offset
            return array("q", [time + offset for time in times])
        return array("q", map(self, times))


def _sane(stamp: int | None) -> int:
    return stamp if stamp is not None and abs(stamp) <= _STAMP_MAX else _UNKNOWN


def _fill_in(lane: _Lane) -> None:
    """Give a time and a duration to packets that have none, from those before."""
    step, expected = _STEP_UNKNOWN, _time_before_known(lane)
    for place, (dts, pts) in enumerate(zip(lane.dts, lane.pts, strict=True)):
        if dts == _UNKNOWN:
            dts = lane.dts[place] = expected if pts == _UNKNOWN else pts  # noqa: PLW2901
        if pts == _UNKNOWN:
            lane.pts[place] = dts
        if lane.duration[place] > 0:
            step = lane.duration[place]
        else:
            if place and 0 < dts - lane.dts[place - 1] <= _GAP_MAX:
                step = dts - lane.dts[place - 1]
            lane.duration[place] = step
        expected = dts + step


def _time_before_known(lane: _Lane) -> int:
    """When the first packet was, if packets at the beginning have no time: just before the rest."""
    before = 0
    for dts, pts, duration in zip(lane.dts, lane.pts, lane.duration, strict=True):
        if dts != _UNKNOWN or pts != _UNKNOWN:
            return (pts if dts == _UNKNOWN else dts) - before
        before += duration or _STEP_UNKNOWN
    return 0


def _straighten(lane: _Lane) -> int:
    """Replace stamps that are far off for a moment, after which the clock goes on as before."""
    times, offset_max = lane.dts, 4 * VIDEO_TIMESCALE
    straightened, place = 0, 1
    while place < len(times):
        before = times[place - 1]
        if not before - _BACKWARD_MAX <= times[place] <= before + _GAP_MAX:
            until = _back_on_track(lane, place)
            for at in range(place, until):
                lane.dts[at] = lane.pts[at] = lane.dts[at - 1] + lane.duration[at - 1]
            straightened += until > place
        place += 1
    for at, (dts, pts) in enumerate(zip(times, lane.pts, strict=True)):
        if not -offset_max <= pts - dts <= offset_max:
            lane.pts[at] = dts
    return straightened


def _back_on_track(lane: _Lane, place: int) -> int:
    """The first packet, soon after, that comes as it would have without a slip; else `place`."""
    times, step = lane.dts, lane.duration[place - 1]
    for at in range(place + 1, min(place + 1 + FILE_STAMP_RUN_MAX, len(times))):
        expected = times[place - 1] + (at - place + 1) * step
        if abs(times[at] - expected) <= _BACKWARD_MAX:
            return at
    return place


def _first(kind: MediaKind, lane: _Lane) -> int:
    shown = (pts for place, pts in enumerate(lane.pts) if place not in lane.hidden)
    if kind is MediaKind.VIDEO:
        return min(shown, default=0)
    first = next(shown, 0)
    return 0 if -_PRIMING_MAX <= first < 0 else first


def _placed(kind: MediaKind, lane: _Lane, shift: _Shift) -> PlacedTrack:
    pts = shift.all(lane.pts)
    end = max(
        (
            time + duration
            for place, (time, duration) in enumerate(zip(pts, lane.duration, strict=True))
            if place not in lane.hidden
        ),
        default=TIMELINE_START,
    )
    return PlacedTrack(shift.all(lane.dts), pts, shift(_first(kind, lane)), end)
