"""Live streams by name: who publishes them, who stands by, and how long one waits for another."""

from collections.abc import Callable

from config.clock import Clock
from config.limits import HUB_STANDBY_SILENCE_MS
from media.stream import (
    Event,
    PacketReceived,
    PacketsLost,
    PublisherArrived,
    PublisherLeft,
    Reader,
    Stream,
    StreamEnded,
    TrackAnnounced,
)
from media.terms import Takeover, Terms
from media.units import MediaKind, Packet, Track

__all__ = [
    "AlreadyPublishing",
    "Event",
    "Hub",
    "PacketReceived",
    "PacketsLost",
    "Publication",
    "PublisherArrived",
    "PublisherLeft",
    "Reader",
    "Stream",
    "StreamEnded",
    "Takeover",
    "Terms",
    "TrackAnnounced",
]


class AlreadyPublishing(Exception):
    """Another publisher holds this stream."""


class Publication:
    """One publisher's hold on a stream.

    A standby's packets are not shown until it takes over. Once replaced, or after its end, it is
    of no effect any more.

    Attributes:
        is_active: what is written here is shown.
        has_written: since a standby last asked.
        tracks: what was announced.
    """

    def __init__(self, holders: "_Holders", terms: Terms, replaced: Callable[[str], None]) -> None:
        self._holders = holders
        self.stream = holders.stream
        self.terms = terms
        self.replaced = replaced
        self.is_active = False
        self.has_written = False
        self.tracks: dict[tuple[MediaKind, int], Track] = {}

    @property
    def stream_name(self) -> str:
        return self.stream.name

    def announce(self, track: Track, number: int = 0) -> None:
        """Say what the next packets of this track are; repeating the same says nothing."""
        self.tracks[track.kind, number] = track
        if self.is_active:
            self.stream.announce(track, number)

    def write(self, kind: MediaKind, packet: Packet, number: int = 0) -> None:
        if not self.is_active and not self._holders.takes_over(self, kind, packet, number):
            return
        self.has_written = True
        self.stream.write(kind, packet, number)

    def leave(self, reason: str) -> None:
        """The connection is gone without an end: the window begins, or the standby takes over."""
        self._holders.withdraw(self, reason, is_over=self.terms.window_ms <= 0)

    def end(self, reason: str) -> None:
        """The publisher is done: the stream ends at once, or the standby takes over."""
        self._holders.withdraw(self, reason, is_over=True)


class _Holders:
    """The publications of one stream: the one that is shown, and the one that stands by."""

    def __init__(self, stream: Stream, clock: Clock, ended: Callable[[Stream], None]) -> None:
        self.stream = stream
        self._clock = clock
        self._ended = ended
        self._active: Publication | None = None
        self._standby: Publication | None = None
        self._has_begun = False
        self._heard_ms = 0  # when the standby last found that the active one writes

    def enter(self, publication: Publication) -> None:
        """Let a publisher in; raises AlreadyPublishing."""
        before, takeover = self._active, publication.terms.takeover
        if before is None or takeover is Takeover.REPLACE:
            self._show(publication)
            if before is not None:
                before.is_active = False
                before.replaced("another publisher took over")
        elif takeover is Takeover.STANDBY and self._standby is None:
            self._stand_by(publication)
        else:
            raise AlreadyPublishing(self.stream.name)

    def takes_over(
        self, publication: Publication, kind: MediaKind, packet: Packet, number: int
    ) -> bool:
        """Whether this packet is where the standby takes over; it does so then."""
        if publication is not self._standby or not self._is_missed():
            return False
        is_picture = kind is MediaKind.VIDEO and number == 0
        if (MediaKind.VIDEO, 0) in publication.tracks and not (is_picture and packet.keyframe):
            return False
        before, self._standby = self._active, None
        self._show(publication)
        if before is not None:
            before.is_active = False
            self._stand_by(before)
        return True

    def withdraw(self, publication: Publication, reason: str, *, is_over: bool) -> None:
        """A publisher is gone; the stream with it, if `is_over` and there is no other."""
        if publication is self._standby:
            self._standby = None
            if self._active is None and is_over:
                self.end(reason)
        elif publication is self._active:
            self._active, publication.is_active = None, False
            if is_over and self._standby is None:
                self.end(reason)
            else:
                self.stream.leave(reason, publication.terms.window_ms)

    def expire(self) -> None:
        """End the stream when nobody came back in time."""
        if self._standby is None and self.stream.reconnect_ms_left() == 0:
            self.end("the publisher did not come back")

    def end(self, reason: str) -> None:
        if self._active is not None:
            self._active.is_active = False
        self._active = self._standby = None
        self._ended(self.stream)
        self.stream.end(reason)

    def _show(self, publication: Publication) -> None:
        if self._has_begun:
            self.stream.arrive()
        self._has_begun = True
        self._active, publication.is_active = publication, True
        for (_, number), track in publication.tracks.items():
            self.stream.announce(track, number)

    def _stand_by(self, publication: Publication) -> None:
        self._standby = publication
        self._heard_ms = self._clock.monotonic_ms()

    def _is_missed(self) -> bool:
        """Whether there is no active publication, or it has written nothing for a while."""
        if self._active is None:
            return True
        now_ms = self._clock.monotonic_ms()
        if self._active.has_written:
            self._active.has_written = False
            self._heard_ms = now_ms
        return now_ms - self._heard_ms >= HUB_STANDBY_SILENCE_MS


def _unheard(reason: str) -> None:
    """What a publisher that may not be replaced is told."""


class Hub:
    """All live streams of this process.

    `published` is called with each new stream before its publisher may write to it.
    """

    def __init__(self, published: Callable[[Stream], None], clock: Clock) -> None:
        self._published = published
        self._clock = clock
        self._held: dict[str, _Holders] = {}

    def publish(
        self, name: str, terms: Terms = Terms(), replaced: Callable[[str], None] = _unheard
    ) -> Publication:
        """Let a publisher in; a stream that waits for one goes on with it.

        Args:
            replaced: called with the reason when another publisher took this one's place.

        Raises:
            AlreadyPublishing: somebody else is there, and the terms do not allow two.
        """
        holders = self._held.get(name)
        if holders is None:
            holders = _Holders(Stream(name, self._clock), self._clock, self._forget)
            self._held[name] = holders
            self._published(holders.stream)
        publication = Publication(holders, terms, replaced)
        holders.enter(publication)
        return publication

    def get(self, name: str) -> Stream | None:
        holders = self._held.get(name)
        return None if holders is None else holders.stream

    def names(self) -> list[str]:
        return sorted(self._held)

    def expire(self) -> None:
        """End streams whose publishers did not come back in time."""
        for holders in list(self._held.values()):
            holders.expire()

    def end_all(self, reason: str) -> None:
        """End every stream, also those that wait for their publishers."""
        for holders in list(self._held.values()):
            holders.end(reason)

    def _forget(self, stream: Stream) -> None:
        del self._held[stream.name]
