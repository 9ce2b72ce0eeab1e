"""The source packets that a worker that dies would still need."""

from collections import deque
from itertools import islice

from media.transcode.protocol import SourcePacket


class Replay:
    """Holds the source's packets from where a new worker would have to start.

    That is the last boundary that every active rung has begun: whatever lies before it is complete
    in all of them. The same packets are the queue to the running worker, so there is one bound for
    both: when it is full of packets to be sent, newer ones are dropped up to the next possible
    start; when it is full of packets that were sent, those are forgotten.

    A possible start is a boundary when packets name them, any keyframe otherwise.

    Attributes:
        lost_from: pts of what was given up before the next possible start; None when nothing was.
    """

    def __init__(
        self,
        rungs: int,
        *,
        named_boundaries: bool,
        bytes_max: int,
        ticks_max: int,
        start: int | None = None,
    ) -> None:
        self._named_boundaries = named_boundaries
        self._bytes_max = bytes_max
        self._ticks_max = ticks_max
        self._packets: deque[SourcePacket] = deque()
        self._bytes = 0
        self._sent = 0
        self._waiting_for_start = True
        self._start = start
        self._begun: dict[int, int | None] = dict.fromkeys(range(rungs))
        self._newest_encoded: dict[int, int] = {}
        self._resuming: set[int] = set()
        self.newest: int | None = None
        self.dropped = 0
        self.lost_from: int | None = None

    @property
    def start(self) -> int | None:
        """Pictures before this pts have been encoded already; None when none has."""
        return self._start

    @property
    def active(self) -> frozenset[int]:
        return frozenset(self._begun)

    def push(self, packet: SourcePacket) -> bool:
        """Take the next packet of the source; false when it had to be dropped."""
        self.newest = packet.pts if self.newest is None else max(self.newest, packet.pts)
        if not self._has_room(packet):
            if self._sent == len(self._packets):
                self._forget(self._sent)
            else:
                self._waiting_for_start = True
                self._lose(packet)
        if self._waiting_for_start and not (self._can_start(packet) and self._has_room(packet)):
            self.dropped += 1
            return False
        self._waiting_for_start = False
        self._packets.append(packet)
        self._bytes += len(packet.data)
        return True

    def next_unsent(self) -> SourcePacket | None:
        """The packet to send next, which counts as sent from now on."""
        if self._sent == len(self._packets):
            return None
        self._sent += 1
        return self._packets[self._sent - 1]

    def encoded(self, rung: int, pts: int, *, boundary: bool) -> bool:
        """A packet of a rung came out; false when the rung has it from an earlier worker."""
        if rung not in self._begun:
            return False
        begun = self._begun[rung]
        if rung in self._resuming:
            if not boundary or (begun is not None and pts < begun):
                return False
            self._resuming.discard(rung)
        self._newest_encoded[rung] = pts
        if boundary:
            self._begun[rung] = pts
            self._settle()
        return True

    def finished(self, pts: int) -> None:
        """All rungs have what they get up to this time, with pictures left out among it."""
        for rung, newest in self._newest_encoded.items():
            self._newest_encoded[rung] = max(newest, pts)

    def retire(self, rung: int) -> None:
        """A rung gets nothing more, and is not waited for."""
        self._begun.pop(rung, None)
        self._newest_encoded.pop(rung, None)
        self._settle()

    def rewind(self) -> None:
        """A new worker starts: everything held is to be sent again."""
        self._sent = 0
        self._resuming = set(self._begun)
        if self._packets and not self._can_start(self._packets[0]):
            self.skip()

    def skip(self) -> None:
        """Give up what is held up to the next possible start: workers die of it."""
        if self._packets:
            self._lose(self._packets[0])
        later = enumerate(islice(self._packets, 1, None), start=1)
        count = next((at for at, one in later if self._can_start(one)), len(self._packets))
        self.dropped += count
        self._forget(count)
        self._waiting_for_start = not self._packets
        self._start = self._packets[0].pts if self._packets else None

    def lag_ticks(self) -> int:
        """How far the slowest rung is behind the source, in 1/90000 s."""
        if self.newest is None or not self._begun:
            return 0
        first = self._packets[0].pts if self._packets else self.newest
        finished = min(self._newest_encoded.get(rung, first) for rung in self._begun)
        return max(0, self.newest - finished)

    def _lose(self, packet: SourcePacket) -> None:
        if self.lost_from is None:
            self.lost_from = packet.pts

    def _can_start(self, packet: SourcePacket) -> bool:
        return packet.boundary if self._named_boundaries else packet.keyframe

    def _has_room(self, packet: SourcePacket) -> bool:
        if not self._packets:
            return True
        too_long = packet.dts - self._packets[0].dts > self._ticks_max
        return not too_long and self._bytes + len(packet.data) <= self._bytes_max

    def _settle(self) -> None:
        """Let go of what lies before the last boundary that all active rungs have begun."""
        begun = list(self._begun.values())
        boundaries = [pts for pts in begun if pts is not None]
        if not boundaries or len(boundaries) < len(begun):
            return
        self._start = min(boundaries)
        count = 0
        for position in range(self._sent):
            packet = self._packets[position]
            if self._can_start(packet) and packet.pts <= self._start:
                count = position
        self._forget(count)

    def _forget(self, count: int) -> None:
        for _ in range(count):
            self._bytes -= len(self._packets.popleft().data)
        self._sent = max(0, self._sent - count)
