"""What another publication of a stream begins with, held until its place in time is clear."""

from collections.abc import Iterable

from config.limits import OBSERVED_PACKETS_MAX, TRACK_WAIT_MS_MAX
from media.stream import PacketReceived, TrackAnnounced
from media.timeline import Lane
from media.units import Packet, Track


class Arrival:
    """Holds events until every track that is expected has begun, or for a second of media.

    Only then is it known how far its tracks start apart, and so where all of them fit behind what
    was there before; and which of those before it lacks.

    Attributes:
        events: in their order, to be taken anew.
        tracks: what was announced.
        starts: the first packet of each track that has begun, and its timescale.
    """

    def __init__(self, expected: Iterable[Lane]) -> None:
        """`expected`: the tracks of the publication before."""
        self._expected = set(expected)
        self._span_ms = 0
        self.events: list[TrackAnnounced | PacketReceived] = []
        self.tracks: dict[Lane, Track] = {}
        self.starts: dict[Lane, tuple[Packet, int]] = {}

    @property
    def is_complete(self) -> bool:
        """Whether nothing more is to be waited for."""
        if not self.starts:
            return False
        waited = self._span_ms >= TRACK_WAIT_MS_MAX or len(self.events) >= OBSERVED_PACKETS_MAX
        return waited or self._expected <= self.starts.keys()

    def take(self, event: TrackAnnounced | PacketReceived) -> None:
        """Take the next event; packets of tracks that were not announced are left out."""
        if isinstance(event, TrackAnnounced):
            lane = (event.track.kind, event.number)
            self.tracks[lane] = event.track
            self._expected.add(lane)
        elif (lane := (event.kind, event.number)) in self.tracks:
            timescale = self.tracks[lane].timescale
            first, scale = self.starts.setdefault(lane, (event.packet, timescale))
            span = event.packet.dts * 1000 // timescale - first.dts * 1000 // scale
            self._span_ms = max(self._span_ms, span)
        else:
            return
        self.events.append(event)
