"""Cuts one video rendition at the boundaries that all renditions share."""

from config.limits import HLS_SEGMENT_BYTES_MAX, HLS_SHORTFALL_MS_MAX
from media.units import VIDEO_TIMESCALE, Packet
from packager.hls.boundaries import Boundaries
from packager.hls.cut import Cut
from packager.hls.drops import DropReason, Drops

_SHORTFALL_MAX = HLS_SHORTFALL_MS_MAX * VIDEO_TIMESCALE // 1000
# How long a packet lasts that nothing follows, when its rate is unknown: 30 a second.
_LAST_DURATION = VIDEO_TIMESCALE // 30


class VideoCutter:
    """Holds the packets of the segment that is open in this rendition, if any.

    A boundary that comes again restarts the segment it began, unless that segment is complete: then
    packets are skipped up to the first boundary of a segment that is not. So a replay after a crash
    of the encoder changes nothing that a viewer may have seen.
    """

    def __init__(self, boundaries: Boundaries, drops: Drops) -> None:
        self._boundaries = boundaries
        self._drops = drops
        self._sequence: int | None = None
        self._done = -1
        self._packets: list[Packet] = []
        self._bytes = 0
        self._skipping = DropReason.BEFORE_BOUNDARY

    def push(self, packet: Packet, wall_ms: int) -> Cut | None:
        """Take the next packet; returns the segment that it completes."""
        if packet.boundary:
            sequence = self._place(packet, wall_ms)
            if sequence is not None:
                return self._enter(sequence, packet)
            self._drops.count(DropReason.UNKNOWN_BOUNDARY)
        if self._sequence is None:
            self._drops.count(self._skipping)
            return None
        if packet.dts <= self._packets[-1].dts:
            self._drops.count(DropReason.OUT_OF_ORDER)
            return None
        if packet.pts - self._packets[0].pts > self._boundaries.duration_max:
            return self._force(packet)
        self._append(packet)
        return None

    def _place(self, packet: Packet, wall_ms: int) -> int | None:
        """The sequence number of the segment that a boundary packet begins; None when it cannot."""
        assert packet.keyframe, "a boundary is a keyframe"
        known = self._boundaries.find(packet.pts)
        if known is not None:
            return known
        if not self._boundaries.may_open(packet.pts):
            return None
        return self._boundaries.open(packet.pts, wall_ms, self.media_end(in_open_interval=True))

    def _enter(self, sequence: int, packet: Packet) -> Cut | None:
        if sequence <= self._done:
            self._skip(DropReason.REPLAYED)
            self._drops.count(DropReason.REPLAYED)
            return None
        done = None
        if self._sequence is not None and self._sequence < sequence:
            done = self._complete(packet.dts)
        self._skip(DropReason.RESTARTED)
        self._sequence = sequence
        self._append(packet)
        return done

    def _append(self, packet: Packet) -> None:
        self._bytes += len(packet.data)
        if self._bytes > HLS_SEGMENT_BYTES_MAX:
            self._drops.count(DropReason.SEGMENT_TOO_LARGE)
            self._skip(DropReason.SEGMENT_TOO_LARGE)
            return
        self._packets.append(packet)

    def _force(self, packet: Packet) -> Cut | None:
        """No boundary came in time: end the segment, and wait for the next boundary."""
        if self._sequence == self._boundaries.open_sequence:
            start = self._packets[0].pts
            end = self.media_end(in_open_interval=True)
            assert end is not None, "the segment that is open here is the open one"
            self._boundaries.close(self._boundaries.bounded_end(start, end))
        done = self._complete(packet.dts)
        self._drops.count(DropReason.SEGMENT_TOO_LONG)
        self._skip(DropReason.SEGMENT_TOO_LONG)
        return done

    def _complete(self, next_dts: int) -> Cut | None:
        """The open segment up to its nominal end; a rendition that missed a boundary runs over."""
        assert self._sequence is not None
        interval = self._boundaries.interval(self._sequence)
        packets, self._packets = self._packets, []
        if interval is None:
            self._drops.count(DropReason.SEGMENT_TOO_LONG, len(packets))
            return None
        self._done = self._sequence
        over = next((i for i, each in enumerate(packets) if each.pts >= interval.end), len(packets))
        end_dts = packets[over].dts if over < len(packets) else next_dts
        self._drops.count(DropReason.SEGMENT_TOO_LONG, len(packets) - over)
        packets = packets[:over]
        hole = self._boundaries.find(interval.end) is None
        if hole or not 0 < end_dts - packets[-1].dts <= self._boundaries.duration_max:
            end_dts = packets[-1].dts + _last_duration(packets)
        return Cut(interval.sequence, packets, end_dts)

    def _skip(self, reason: DropReason) -> None:
        """Give up what is open, and wait for a boundary."""
        self._drops.count(reason, len(self._packets))
        self._packets = []
        self._bytes = 0
        self._sequence = None
        self._skipping = reason

    def media_end(self, *, in_open_interval: bool) -> int | None:
        """Where the packets of the open segment end on screen.

        Args:
            in_open_interval: None as well when that segment is not the newest of the asset.
        """
        if self._sequence is None:
            return None
        if in_open_interval and self._sequence != self._boundaries.open_sequence:
            return None
        return max(packet.pts for packet in self._packets) + _last_duration(self._packets)

    def finish(self) -> Cut | None:
        """The last segment of an epoch, after its interval was closed."""
        media_end = self.media_end(in_open_interval=False)
        if self._sequence is None or media_end is None:
            return None
        interval = self._boundaries.interval(self._sequence)
        if interval is None or media_end < interval.end - _SHORTFALL_MAX:
            self._skip(DropReason.SEGMENT_UNFINISHED)
            return None
        done = self._complete(self._packets[-1].dts + _last_duration(self._packets))
        self._skip(DropReason.BEFORE_BOUNDARY)
        return done


def _last_duration(packets: list[Packet]) -> int:
    """How long the last packet lasts: as long as the one before."""
    if len(packets) > 1:
        return packets[-1].dts - packets[-2].dts
    return packets[-1].duration or _LAST_DURATION
