"""A stream as its readers see it: a publisher that may change, many bounded readers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NamedTuple

from config.clock import Clock
from config.limits import HUB_READER_PACKETS_MAX
from media.units import MediaKind, Packet, Track


@dataclass(frozen=True, slots=True)
class TrackAnnounced:
    """A track appeared or its codec parameters changed; its next packet is of the new kind.

    `number` tells tracks of one kind apart, 0 is the default one.
    """

    track: Track
    number: int = 0


class PacketReceived(NamedTuple):
    """A tuple, since there are many thousands a second."""

    kind: MediaKind
    packet: Packet
    number: int = 0


@dataclass(frozen=True, slots=True)
class PacketsLost:
    """The reader was too slow: packets are missing between what came before and what follows."""


@dataclass(frozen=True, slots=True)
class PublisherLeft:
    """Nothing comes for a while; another publication may follow, or the end."""

    reason: str


@dataclass(frozen=True, slots=True)
class PublisherArrived:
    """What follows is of another publication, with a clock of its own.

    Its tracks are announced afresh, and its pictures begin with a keyframe. When it took over from
    one that was still there, no `PublisherLeft` has come before.
    """


@dataclass(frozen=True, slots=True)
class StreamEnded:
    reason: str


Event = (
    TrackAnnounced | PacketReceived | PacketsLost | PublisherLeft | PublisherArrived | StreamEnded
)


class Reader:
    """One consumer of a stream: a bounded queue that skips to a keyframe rather than block.

    Only packets are dropped, nothing else. `dropped` counts them.
    """

    def __init__(self, packets_max: int = HUB_READER_PACKETS_MAX) -> None:
        self._events: deque[Event] = deque()
        self._packets = 0
        self._packets_max = packets_max
        self._skipping = False
        self._videos: set[int] = set()
        self._ready = asyncio.Event()
        self.dropped = 0

    def push(self, event: Event) -> None:
        if isinstance(event, PacketReceived) and not self._admit(event):
            self.dropped += 1
            return
        if isinstance(event, TrackAnnounced) and event.track.kind is MediaKind.VIDEO:
            self._videos.add(event.number)
        elif isinstance(event, PublisherArrived):
            self._videos.clear()
        self._events.append(event)
        self._ready.set()

    def _admit(self, event: PacketReceived) -> bool:
        if self._packets >= self._packets_max:
            self._skipping = True
            return False
        if self._skipping:
            if not self._may_go_on(event):
                return False
            self._skipping = False
            self._events.append(PacketsLost())
        self._packets += 1
        return True

    def _may_go_on(self, event: PacketReceived) -> bool:
        """Whether nothing is lost but what was skipped: at a keyframe of the default track."""
        if not self._videos:
            return True
        is_default = event.kind is MediaKind.VIDEO and event.number == min(self._videos)
        return is_default and event.packet.keyframe

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Yield events until the stream has ended; the last one is `StreamEnded`."""
        while True:
            while not self._events:
                self._ready.clear()
                await self._ready.wait()
            event = self._events.popleft()
            if isinstance(event, PacketReceived):
                self._packets -= 1
            yield event
            if isinstance(event, StreamEnded):
                return


class Stream:
    """What readers see of a stream, whoever publishes it: nobody waits for them."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self._clock = clock
        self._tracks: dict[tuple[MediaKind, int], Track] = {}
        self._readers: list[Reader] = []
        self._ended = False
        self._waits_until_ms: int | None = None

    def read(self) -> Reader:
        """Join from now on; tracks announced so far are repeated first."""
        reader = Reader()
        for (_, number), track in self._tracks.items():
            reader.push(TrackAnnounced(track, number))
        self._readers.append(reader)
        return reader

    def reconnect_ms_left(self) -> int | None:
        """How long the stream still waits for a publisher; None while there is one."""
        if self._waits_until_ms is None:
            return None
        return max(0, self._waits_until_ms - self._clock.monotonic_ms())

    # --- the publishing side ---------------------------------------------------------------------

    def announce(self, track: Track, number: int = 0) -> None:
        """Say what the next packets of this track are; repeating the same says nothing."""
        if self._tracks.get((track.kind, number)) == track:
            return
        self._tracks[track.kind, number] = track
        self._push(TrackAnnounced(track, number))

    def write(self, kind: MediaKind, packet: Packet, number: int = 0) -> None:
        event = PacketReceived(kind, packet, number)
        for reader in self._readers:
            reader.push(event)

    def leave(self, reason: str, window_ms: int) -> None:
        """The publisher is gone; the stream waits for the next one."""
        self._waits_until_ms = self._clock.monotonic_ms() + window_ms
        self._push(PublisherLeft(reason))

    def arrive(self) -> None:
        """Another publisher is there."""
        self._waits_until_ms = None
        self._tracks.clear()
        self._push(PublisherArrived())

    def end(self, reason: str) -> None:
        """Tell every reader that nothing more comes. Safe to call twice."""
        if not self._ended:
            self._ended = True
            self._push(StreamEnded(reason))

    def _push(self, event: Event) -> None:
        for reader in self._readers:
            reader.push(event)
