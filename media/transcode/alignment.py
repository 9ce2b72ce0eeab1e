"""Cuts the tracks of a ladder that the encoder sends at the same times, however they interleave."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from config.limits import (
    ALIGNMENT_BYTES_MAX,
    ALIGNMENT_MISSES_MAX,
    ALIGNMENT_PACKETS_MAX,
    ALIGNMENT_SKEW_MS_MAX,
    ALIGNMENT_TOLERANCE_MS,
)
from media.segmenter import Segmenter
from media.transcode.source_picture import SourcePicture
from media.units import VIDEO_TIMESCALE, Packet

TOLERANCE = ALIGNMENT_TOLERANCE_MS * VIDEO_TIMESCALE // 1000
"""How far apart pictures of the same moment may be stamped, in 1/90000 s."""

_SKEW_MAX = ALIGNMENT_SKEW_MS_MAX * VIDEO_TIMESCALE // 1000

STOPPED = "the encoder has stopped sending it"
DRIFTED = "its keyframes no longer come together with those of the other video tracks"


@dataclass(frozen=True, slots=True)
class _Meeting:
    """A keyframe that all tracks should have; a cut unless a segment has only just begun there."""

    pts: int
    is_cut: bool


@dataclass(slots=True)
class _Lane:
    """One track.

    Attributes:
        newest: the largest pts that came.
        has_joined: it has met the others at a keyframe; before that nothing is handed on.
        held: from a keyframe on of which it is not known yet whether all tracks are cut there.
        meetings: those that it has not reached yet.
        missed: meetings in a row where it had no keyframe.
    """

    newest: int
    has_joined: bool = False
    held: deque[SourcePicture] = field(default_factory=deque)
    held_bytes: int = 0
    meetings: deque[_Meeting] = field(default_factory=deque)
    missed: int = 0

    @property
    def is_full(self) -> bool:
        return len(self.held) > ALIGNMENT_PACKETS_MAX or self.held_bytes > ALIGNMENT_BYTES_MAX


class Alignment:
    """Marks the boundaries in the packets of several tracks that show the same pictures.

    One track leads: it is cut at its own keyframes and never waits. The others follow: at a
    keyframe they are held until the leader is beyond it, which tells whether that is a cut; then
    the keyframe gets the cut's very pts. What comes out of each track is the same whatever the
    order in which the tracks' packets come, as long as none is too far behind the others.

    A track that stops or that misses cuts is retired; if it led, another leads from there on.

    Attributes:
        leader: the number of the track that leads.
        retired: why, by track number.
    """

    def __init__(self, numbers: Sequence[int], segment_ticks: int) -> None:
        """Begin with nothing.

        Args:
            numbers: of the tracks; the lowest leads.
            segment_ticks: segment duration to aim at, in 1/90000 s.
        """
        self.leader = min(numbers)
        self.retired: dict[int, str] = {}
        self._numbers = list(numbers)
        self._segmenter = Segmenter.at_keyframes(segment_ticks)
        self._resuming = False
        self._lanes: dict[int, _Lane] = {}
        self._last_dts: dict[int, int] = {}
        self._ready: list[tuple[int, Packet]] = []

    @property
    def numbers(self) -> tuple[int, ...]:
        """The tracks that are not retired."""
        return tuple(number for number in self._numbers if number not in self.retired)

    def push(self, picture: SourcePicture) -> list[tuple[int, Packet]]:
        """Take the next packet of its track; returns packets that are ready, by track number."""
        if picture.number in self.retired or picture.number not in self._numbers:
            return []
        lane = self._lane(picture)
        if picture.number == self.leader:
            self._lead(lane, picture)
        else:
            self._follow(lane, picture)
        self._retire_the_lost()
        return self._take_ready()

    def resume(self) -> list[tuple[int, Packet]]:
        """Another publication follows: what is held goes out, all meet at their next keyframe.

        Returns packets that are ready, by track number.
        """
        self._resuming = True
        return self.finish()

    def finish(self) -> list[tuple[int, Packet]]:
        """Nothing more comes: what is held is cut nowhere. Returns it, by track number."""
        for number, lane in self._lanes.items():
            for picture in lane.held:
                self._emit(number, lane, picture.packet)
        self._lanes = {}
        return self._take_ready()

    def take_undecided(self) -> list[SourcePicture]:
        """Give away what is held, for whoever goes on from here: each track from a keyframe on."""
        undecided = [picture for lane in self._lanes.values() for picture in lane.held]
        for lane in self._lanes.values():
            lane.held.clear()
            lane.held_bytes = 0
        return undecided

    def _lane(self, picture: SourcePicture) -> _Lane:
        if not self._lanes:
            self._lanes = {number: _Lane(picture.packet.pts) for number in self.numbers}
        return self._lanes[picture.number]

    def _lead(self, lane: _Lane, picture: SourcePicture) -> None:
        packet = picture.packet
        lane.newest = max(lane.newest, packet.pts)
        meeting = self._meet(lane, packet.pts) if picture.refresh else None
        if meeting is not None:
            lane.has_joined = True
            packet = _at_meeting(packet, meeting)
        self._emit(picture.number, lane, packet)
        for number in self.numbers:
            if number != self.leader:
                self._settle(number)

    def _meet(self, lane: _Lane, pts: int) -> _Meeting | None:
        """Whether all tracks meet at the leader's keyframe; what a former leader said stands."""
        self._pass_meetings(lane, pts - TOLERANCE)
        if self._is_due(lane, pts):
            return lane.meetings.popleft()
        resumes, self._resuming = self._resuming, False
        is_cut = (self._segmenter.cut_early if resumes else self._segmenter.cut)(pts)
        if not is_cut and not resumes:
            return None
        meeting = _Meeting(pts, is_cut)
        for other in self._lanes.values():
            if other is not lane:
                other.meetings.append(meeting)
        return meeting

    def _follow(self, lane: _Lane, picture: SourcePicture) -> None:
        lane.newest = max(lane.newest, picture.packet.pts)
        if lane.held or picture.refresh:
            lane.held.append(picture)
            lane.held_bytes += len(picture.packet.data)
        else:
            self._emit(picture.number, lane, picture.packet)
        self._settle(picture.number)

    def _settle(self, number: int) -> None:
        """Hand on what is no longer in doubt, and count the cuts that have been missed."""
        lane, leader = self._lanes[number], self._lanes[self.leader]
        while lane.held:
            key = lane.held[0].packet.pts
            self._pass_meetings(lane, key - TOLERANCE)
            if self._is_due(lane, key):
                lane.has_joined = True
                lane.missed = 0
                self._release(number, lane, lane.meetings.popleft())
            elif lane.meetings or leader.newest > key + TOLERANCE:
                self._release(number, lane, None)
            else:
                return
        self._pass_meetings(lane, lane.newest - TOLERANCE)

    @staticmethod
    def _is_due(lane: _Lane, pts: int) -> bool:
        return bool(lane.meetings) and abs(lane.meetings[0].pts - pts) <= TOLERANCE

    @staticmethod
    def _pass_meetings(lane: _Lane, pts: int) -> None:
        """The track is at `pts`, and had no keyframe at any meeting before."""
        while lane.meetings and lane.meetings[0].pts < pts:
            lane.meetings.popleft()
            lane.missed += 1

    def _release(self, number: int, lane: _Lane, meeting: _Meeting | None) -> None:
        """Hand on what is held up to the next keyframe."""
        first = True
        while lane.held and (first or not lane.held[0].refresh):
            packet = lane.held.popleft().packet
            lane.held_bytes -= len(packet.data)
            if first and meeting is not None:
                packet = _at_meeting(packet, meeting)
            self._emit(number, lane, packet)
            first = False

    def _emit(self, number: int, lane: _Lane, packet: Packet) -> None:
        """Hand on a packet whose dts grows and is no later than its pts."""
        if not lane.has_joined:
            return
        earliest = self._last_dts.get(number, packet.dts - 1) + 1
        if packet.dts < earliest:
            packet = replace(packet, dts=earliest, pts=max(packet.pts, earliest))
        self._last_dts[number] = packet.dts
        self._ready.append((number, packet))

    def _retire_the_lost(self) -> None:
        leader = self._lanes[self.leader]
        others = [number for number in self.numbers if number != self.leader]
        for number in others:
            lane = self._lanes[number]
            if leader.newest - lane.newest > _SKEW_MAX:
                self._retire(number, STOPPED)
            elif lane.missed >= ALIGNMENT_MISSES_MAX:
                self._retire(number, DRIFTED)
            elif lane.newest - leader.newest > _SKEW_MAX or lane.is_full:
                self._retire(self.leader, STOPPED)
                self._elect()
                return

    def _retire(self, number: int, reason: str) -> None:
        self.retired[number] = reason
        del self._lanes[number]

    def _elect(self) -> None:
        """Let another track lead; what it held is cut where the former leader would have been."""
        self.leader = min(
            self._lanes, key=lambda number: (not self._lanes[number].has_joined, number)
        )
        lane = self._lanes[self.leader]
        held, lane.held, lane.held_bytes = lane.held, deque(), 0
        if held:
            lane.newest = held[0].packet.pts
        for picture in held:
            self._lead(lane, picture)

    def _take_ready(self) -> list[tuple[int, Packet]]:
        ready, self._ready = self._ready, []
        return ready


def _at_meeting(packet: Packet, meeting: _Meeting) -> Packet:
    pts = meeting.pts
    return replace(packet, dts=min(packet.dts, pts), pts=pts, boundary=meeting.is_cut)
