"""Cuts one video rendition at the boundaries that all renditions share."""

from config.limits import HLS_SEGMENT_BYTES_MAX, HLS_SHORTFALL_MS_MAX
from media.units import VIDEO_TIMESCALE, Packet
from packager.hls.boundaries import Boundaries
from packager.hls.cut import Cut
from packager.hls.irregularities import Irregularities, Irregularity

_SHORTFALL_MAX = HLS_SHORTFALL_MS_MAX * VIDEO_TIMESCALE // 1000
# How long a packet lasts that nothing follows, when its rate is unknown: 30 a second.
_LAST_DURATION = VIDEO_TIMESCALE // 30


class VideoCutter:
    """Holds the packets of the segment that is open in this rendition, if any.

    A boundary that comes again restarts the segment it began, unless that segment is complete:
    then packets are skipped up to the first segment that is not. So a replay after a crash of the
    encoder changes nothing that a viewer may have seen.

    When no boundary comes in time, or only other renditions have one, the segment is cut where
    there is no keyframe: that costs a viewer who joins there a moment, where dropping would cost
    everybody.
    """

    def __init__(self, boundaries: Boundaries, irregularities: Irregularities) -> None:
        self._boundaries = boundaries
        self._irregularities = irregularities
        self._sequence: int | None = None
        self._done = -1
        self._packets: list[Packet] = []
        self._bytes = 0
        self._skipping = Irregularity.BEFORE_BOUNDARY

    def push(self, packet: Packet, wall_ms: int) -> Cut | None:
        """Take the next packet; returns the segment that it completes."""
        announced = self._announced(packet, wall_ms) if packet.boundary else None
        if announced is not None:
            return self._enter(announced, packet)
        if self._packets and packet.dts <= self._packets[-1].dts:
            self._irregularities.count(Irregularity.OUT_OF_ORDER)
            return None
        reached = self._reached(packet, wall_ms)
        if reached is not None:
            return self._enter(reached, packet)
        self._append(packet)
        return None

    def _announced(self, packet: Packet, wall_ms: int) -> int | None:
        """The number of the segment that a boundary packet begins; None when it cannot."""
        assert packet.keyframe, "a boundary is a keyframe"
        known = self._boundaries.find(packet.pts)
        if known is not None:
            return known
        if self._boundaries.may_open(packet.pts):
            return self._boundaries.open(packet.pts, wall_ms, self.newest_media_end())
        self._irregularities.count(Irregularity.UNKNOWN_BOUNDARY)
        return None

    def _reached(self, packet: Packet, wall_ms: int) -> int | None:
        """The number of the segment that an ordinary packet begins, if any."""
        current = self._sequence
        if current is None:
            if self._skipping is not Irregularity.REPLAYED:
                return None
            current = self._done
        newest = current
        while (start := self._boundaries.start(newest + 1)) is not None and start <= packet.pts:
            newest += 1
        if newest > current:
            self._irregularities.count(Irregularity.MISSED_BOUNDARY)
            return newest
        open_start = self._boundaries.open_start
        if open_start is None or current != self._boundaries.open_sequence:
            return None
        if packet.pts - open_start < self._boundaries.duration_target:
            return None
        self._irregularities.count(Irregularity.FORCED_BOUNDARY)
        return self._boundaries.open(packet.pts, wall_ms, self.newest_media_end())

    def _enter(self, sequence: int, packet: Packet) -> Cut | None:
        if sequence <= self._done:
            self._skip(Irregularity.REPLAYED)
            self._irregularities.count(Irregularity.REPLAYED)
            return None
        done, carried = None, list[Packet]()
        if self._sequence is not None and self._sequence < sequence:
            done, carried = self._complete(packet.dts)
        if packet.boundary:
            self._irregularities.count(Irregularity.OUTSIDE_SEGMENT, len(carried))
            carried = []
        self._skip(Irregularity.RESTARTED)
        self._sequence = sequence
        for each in (*carried, packet):
            self._append(each)
        return done

    def _append(self, packet: Packet) -> None:
        if self._bytes + len(packet.data) > HLS_SEGMENT_BYTES_MAX:
            self._skip(Irregularity.SEGMENT_TOO_LARGE)
        if self._sequence is None:
            self._irregularities.count(self._skipping)
            return
        self._packets.append(packet)
        self._bytes += len(packet.data)

    def _complete(self, next_dts: int) -> tuple[Cut | None, list[Packet]]:
        """The open segment up to its nominal end, and the packets that are beyond it."""
        assert self._sequence is not None
        interval = self._boundaries.interval(self._sequence)
        packets, self._packets = self._packets, []
        if interval is None:
            self._irregularities.count(Irregularity.OUTSIDE_SEGMENT, len(packets))
            return None, []
        self._done = self._sequence
        over = next((i for i, each in enumerate(packets) if each.pts >= interval.end), len(packets))
        # A segment never becomes empty, whatever its packets say of their times.
        over = max(over, 1)
        end_dts = packets[over].dts if over < len(packets) else next_dts
        hole = self._boundaries.find(interval.end) is None
        if hole or not 0 < end_dts - packets[over - 1].dts <= self._boundaries.duration_max:
            end_dts = packets[over - 1].dts + _last_duration(packets[:over])
        return Cut(interval.sequence, packets[:over], end_dts), packets[over:]

    def _skip(self, why: Irregularity) -> None:
        """Give up what is open, and wait for a boundary."""
        self._irregularities.count(why, len(self._packets))
        self._packets = []
        self._bytes = 0
        self._sequence = None
        self._skipping = why

    def newest_media_end(self) -> int | None:
        """Where the open segment's packets end on screen, if it is the newest of the asset."""
        if self._sequence is None or self._sequence != self._boundaries.open_sequence:
            return None
        return self._media_end()

    def _media_end(self) -> int:
        return max(packet.pts for packet in self._packets) + _last_duration(self._packets)

    def finish(self) -> Cut | None:
        """The last segment of an epoch, after its interval was closed."""
        if self._sequence is None:
            return None
        interval = self._boundaries.interval(self._sequence)
        if interval is None or self._media_end() < interval.end - _SHORTFALL_MAX:
            self._skip(Irregularity.SEGMENT_UNFINISHED)
            return None
        done, _ = self._complete(self._packets[-1].dts + _last_duration(self._packets))
        self._skip(Irregularity.BEFORE_BOUNDARY)
        return done


def _last_duration(packets: list[Packet]) -> int:
    """How long the last packet lasts: as long as the one before."""
    if len(packets) > 1:
        return packets[-1].dts - packets[-2].dts
    return packets[-1].duration or _LAST_DURATION
