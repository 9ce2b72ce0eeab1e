"""Live streams by name: one publisher, many bounded readers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from config.limits import HUB_READER_PACKETS_MAX
from media.units import MediaKind, Packet, Track


class AlreadyPublishing(Exception):
    """Another publisher holds this stream."""


@dataclass(frozen=True, slots=True)
class TrackAnnounced:
    """A track appeared or its codec parameters changed; its next packet is of the new kind."""

    track: Track


@dataclass(frozen=True, slots=True)
class PacketReceived:
    kind: MediaKind
    packet: Packet


@dataclass(frozen=True, slots=True)
class StreamEnded:
    reason: str


Event = TrackAnnounced | PacketReceived | StreamEnded


class Reader:
    """One consumer of a stream: a bounded queue that skips to a keyframe rather than block.

    Only packets are dropped, never announcements or the end. `dropped` counts them.
    """

    def __init__(self, packets_max: int = HUB_READER_PACKETS_MAX) -> None:
        self._events: deque[Event] = deque()
        self._packets = 0
        self._packets_max = packets_max
        self._skipping = False
        self._ready = asyncio.Event()
        self.dropped = 0

    def push(self, event: Event) -> None:
        if isinstance(event, PacketReceived) and not self._admit(event):
            self.dropped += 1
            return
        self._events.append(event)
        self._ready.set()

    def _admit(self, event: PacketReceived) -> bool:
        if self._packets >= self._packets_max:
            self._skipping = True
            return False
        if self._skipping:
            if event.kind is MediaKind.VIDEO and event.packet.keyframe:
                self._skipping = False
            else:
                return False
        self._packets += 1
        return True

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
    """A published stream: what the publisher writes goes to every reader, without waiting."""

    def __init__(self, name: str, closed: Callable[["Stream"], None]) -> None:
        self.name = name
        self._closed = closed
        self._tracks: dict[MediaKind, Track] = {}
        self._readers: list[Reader] = []
        self._ended = False

    def announce(self, track: Track) -> None:
        """Say what the next packets of `track.kind` are; repeating the same track says nothing."""
        if self._tracks.get(track.kind) == track:
            return
        self._tracks[track.kind] = track
        for reader in self._readers:
            reader.push(TrackAnnounced(track))

    def write(self, kind: MediaKind, packet: Packet) -> None:
        event = PacketReceived(kind, packet)
        for reader in self._readers:
            reader.push(event)

    def read(self) -> Reader:
        """Join from now on; tracks announced so far are repeated first."""
        reader = Reader()
        for track in self._tracks.values():
            reader.push(TrackAnnounced(track))
        self._readers.append(reader)
        return reader

    def end(self, reason: str) -> None:
        """Tell every reader that nothing more comes, and free the name. Safe to call twice."""
        if self._ended:
            return
        self._ended = True
        for reader in self._readers:
            reader.push(StreamEnded(reason))
        self._closed(self)


class Hub:
    """All live streams of this process.

    `published` is called with each new stream before its publisher may write to it.
    """

    def __init__(self, published: Callable[[Stream], None]) -> None:
        self._published = published
        self._streams: dict[str, Stream] = {}

    def publish(self, name: str) -> Stream:
        """Take the name for one publisher.

        Raises:
            AlreadyPublishing: somebody else holds it.
        """
        if name in self._streams:
            raise AlreadyPublishing(name)
        stream = Stream(name, self._forget)
        self._streams[name] = stream
        self._published(stream)
        return stream

    def get(self, name: str) -> Stream | None:
        return self._streams.get(name)

    def names(self) -> list[str]:
        return sorted(self._streams)

    def _forget(self, stream: Stream) -> None:
        if self._streams.get(stream.name) is stream:
            del self._streams[stream.name]
