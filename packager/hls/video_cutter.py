"""Cuts one video rendition at the boundaries that all renditions share."""

from config.limits import HLS_SEGMENT_BYTES_MAX, HLS_SHORTFALL_MS_MAX
from media.units import VIDEO_TIMESCALE, Packet
from packager.hls.boundaries import Boundaries
from packager.hls.cut import Cut
from packager.hls.irregularities import Irregularities, Irregularity
from packager.hls.open_video import OpenVideo

_SHORTFALL_MAX = HLS_SHORTFALL_MS_MAX * VIDEO_TIMESCALE // 1000


class VideoCutter:
    """Holds the packets of the segment that is open in this rendition, if any.

    A boundary that comes again restarts the segment it began, unless that segment is complete:
    then packets are skipped up to the first segment that is not. So a replay after a crash of the
    encoder changes nothing that a viewer may have seen: parts of an open segment stay, and it goes
    on after them where the replay has the same times. Where it has not, the rest is missing.

    When no boundary comes in time, or only other renditions have one, the segment is cut where
    there is no keyframe: that costs a viewer who joins there a moment, where dropping would cost
    everybody.
    """

    def __init__(
        self,
        boundaries: Boundaries,
        irregularities: Irregularities,
        part_target: int | None = None,
    ) -> None:
        """`part_target` in 1/90000 s; without it, only whole segments are cut."""
        self._boundaries = boundaries
        self._irregularities = irregularities
        self._part_target = part_target
        self._open: OpenVideo | None = None
        self._interrupted: OpenVideo | None = None
        self._done = -1
        self._skipping = Irregularity.BEFORE_BOUNDARY

    def push(self, packet: Packet, wall_ms: int) -> list[Cut]:
        """Take the next packet; returns the parts that it completes, or the segment."""
        announced = self._announced(packet, wall_ms) if packet.boundary else None
        if announced is not None:
            return self._enter(announced, packet)
        packets = [] if self._open is None else self._open.packets
        if packets and packet.dts <= packets[-1].dts:
            self._irregularities.count(Irregularity.OUT_OF_ORDER)
            return []
        reached = self._reached(packet, wall_ms)
        if reached is not None:
            return self._enter(reached, packet)
        return self._append(packet)

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
        if self._open is not None:
            current = self._open.sequence
        elif self._skipping is Irregularity.REPLAYED:
            current = self._done
        else:
            return None
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
        if not self._boundaries.may_open(packet.pts):
            return None
        self._irregularities.count(Irregularity.FORCED_BOUNDARY)
        return self._boundaries.open(packet.pts, wall_ms, self.newest_media_end())

    def _enter(self, sequence: int, packet: Packet) -> list[Cut]:
        if sequence <= self._done:
            self._skip(Irregularity.REPLAYED)
            self._irregularities.count(Irregularity.REPLAYED)
            return []
        cuts, carried = list[Cut](), list[Packet]()
        if self._open is not None and self._open.sequence < sequence:
            cuts, carried = self._complete(packet.dts)
        if packet.boundary:
            self._irregularities.count(Irregularity.OUTSIDE_SEGMENT, len(carried))
            carried = []
        self._skip(Irregularity.RESTARTED)
        self._open = self._resumed(sequence, packet)
        for each in (*carried, packet):
            cuts += self._append(each)
        return cuts

    def _resumed(self, sequence: int, packet: Packet) -> OpenVideo:
        """The segment as it was interrupted, if parts of it were published; otherwise a new one."""
        interrupted, self._interrupted = self._interrupted, None
        if interrupted is not None and interrupted.sequence == sequence:
            return interrupted
        start = self._boundaries.start(sequence)
        return OpenVideo(sequence, packet.pts if start is None else start, self._part_target)

    def _append(self, packet: Packet) -> list[Cut]:
        open_ = self._open
        if open_ is None:
            self._irregularities.count(self._skipping)
            return []
        if not open_.is_replayed:
            return self._compare(open_, packet)
        if open_.size + len(packet.data) > HLS_SEGMENT_BYTES_MAX:
            return self._give_up(Irregularity.SEGMENT_TOO_LARGE)
        if not open_.continues_with(packet):
            return self._give_up(Irregularity.REPLAY_DIFFERS)
        interval = self._boundaries.interval(open_.sequence)
        cuts = open_.parts_before(packet, None if interval is None else interval.end)
        open_.add(packet)
        if cuts:
            # Its playlist has passed over the segments that were missed.
            self._done = max(self._done, open_.sequence - 1)
        return cuts

    def _compare(self, open_: OpenVideo, packet: Packet) -> list[Cut]:
        """What was published stays; what comes instead of it is skipped."""
        if not open_.repeats(packet):
            return self._give_up(Irregularity.REPLAY_DIFFERS)
        self._irregularities.count(Irregularity.REPLAYED)
        return []

    def _give_up(self, why: Irregularity) -> list[Cut]:
        """Without the packet that is at hand; what follows it waits for a boundary."""
        if self._open is not None and self._open.has_parts:
            self._done = self._open.sequence
        self._skip(why)
        self._irregularities.count(why)
        return []

    def _complete(self, next_dts: int) -> tuple[list[Cut], list[Packet]]:
        """The open segment up to its nominal end, and the packets that are beyond it."""
        assert self._open is not None
        open_, self._open = self._open, None
        interval = self._boundaries.interval(open_.sequence)
        packets = open_.packets
        if interval is None:
            self._irregularities.count(Irregularity.OUTSIDE_SEGMENT, len(packets))
            return [], []
        self._done = open_.sequence
        if not packets:
            # A replay ended before it had come to what is new.
            return [], []
        over = next((i for i, each in enumerate(packets) if each.pts >= interval.end), len(packets))
        # A segment never becomes empty, whatever its packets say of their times.
        over = max(over, 1)
        carried = packets[over:]
        end_dts = carried[0].dts if carried else next_dts
        hole = self._boundaries.find(interval.end) is None
        if hole or not 0 < end_dts - packets[over - 1].dts <= self._boundaries.duration_max:
            end_dts = packets[over - 1].dts + open_.last_duration(over)
        return open_.close(over, end_dts, interval.end), carried

    def _skip(self, why: Irregularity) -> None:
        """Give up what is open, unless it can go on after a replay, and wait for a boundary."""
        self._skipping = why
        open_, self._open = self._open, None
        if open_ is None:
            return
        self._irregularities.count(why, len(open_.packets))
        if open_.has_parts and open_.sequence > self._done:
            open_.rewind()
            self._interrupted = open_

    def newest_media_end(self) -> int | None:
        """Where the open segment's packets end on screen, if it is the newest of the asset."""
        if self._open is None or self._open.sequence != self._boundaries.open_sequence:
            return None
        return self._open.media_end()

    def finish(self) -> list[Cut]:
        """The last segment of an epoch, after its interval was closed."""
        if self._open is None:
            return []
        interval = self._boundaries.interval(self._open.sequence)
        if interval is None or self._open.media_end() < interval.end - _SHORTFALL_MAX:
            self._skip(Irregularity.SEGMENT_UNFINISHED)
            return []
        packets = self._open.packets
        last_dts = packets[-1].dts if packets else 0
        cuts, _ = self._complete(last_dts + self._open.last_duration(len(packets)))
        self._skip(Irregularity.BEFORE_BOUNDARY)
        return cuts
