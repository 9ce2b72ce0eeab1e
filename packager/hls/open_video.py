"""The segment that is open in a video rendition: its packets, as far as they are in no part yet."""

from media.units import VIDEO_TIMESCALE, Packet
from packager.hls.cut import Cut
from packager.hls.part_target import cut_limit

# How long a packet lasts that nothing follows, when its rate is unknown: 30 a second.
_LAST_DURATION = VIDEO_TIMESCALE // 30


class OpenVideo:
    """Cuts parts as packets come, each when it is known what follows it.

    A part ends before the packet that would make it longer than the target; one packet that alone
    lasts longer is a part. Its nominal end is where the media up to there ends, but never later
    than what was shown: the segment may end right after that, where pictures come irregularly.

    The segment can be begun again by another encoder, once its first one has crashed. What is in a
    part by then stays as it is: the packets are skipped, as long as they come at the same times.

    Attributes:
        packets: in no part yet; at least one follows the last part, except in a replay.
        size: of all packets, in bytes.
        shown: the latest pts.
    """

    def __init__(self, sequence: int, start: int, target: int | None) -> None:
        """`start` is nominal. Without `target` nothing is cut before the segment is complete."""
        self.sequence = sequence
        self.packets: list[Packet] = []
        self.size = 0
        self.shown = start
        self._start = start
        self._target = target
        self._end = start
        self._sent: list[tuple[int, int]] = []
        self._next_dts = 0
        self._replayed = 0

    @property
    def has_parts(self) -> bool:
        return bool(self._sent)

    def add(self, packet: Packet) -> None:
        self.packets.append(packet)
        self.size += len(packet.data)
        self.shown = max(self.shown, packet.pts)

    def parts_before(self, packet: Packet, closes: int | None) -> list[Cut]:
        """The parts that are complete, given the next packet of the segment.

        Args:
            closes: where the segment ends, if that is known.
        """
        cuts: list[Cut] = []
        while (count := self._complete(packet.dts)) > 0:
            following = (*self.packets[count:], packet)[0]
            end = self._nominal_end(following, closes)
            if end is None:
                break
            cuts.append(self._part(count, following.dts, end))
        return cuts

    def close(self, count: int, end_dts: int, closes: int) -> list[Cut]:
        """The rest of the segment, which are the first `count` packets, at least one."""
        cuts: list[Cut] = []
        del self.packets[count:]
        while self._target is not None and len(self.packets) > 1:
            following = self.packets[-1]
            end = self._nominal_end(following, closes)
            if end_dts - self.packets[0].dts <= self._target or end is None:
                break
            cuts.append(self._part(len(self.packets) - 1, following.dts, end))
        return [*cuts, Cut(self.sequence, self.packets, end_dts)]

    def _complete(self, next_dts: int) -> int:
        """How many packets are a part, given where the next one comes; 0 when it may join them."""
        if self._target is None or not self.packets:
            return 0
        span = next_dts - self.packets[0].dts
        step = next_dts - self.packets[-1].dts
        if span > self._target and len(self.packets) > 1:
            return len(self.packets) - 1
        return len(self.packets) if span + step > cut_limit(self._target) else 0

    def _nominal_end(self, following: Packet, closes: int | None) -> int | None:
        """Where a part ends before a packet; None when there is no room left for a part."""
        first_dts = self._sent[0][0] if self._sent else self.packets[0].dts
        media_end = self._start + following.dts - first_dts
        end = max(min(media_end, max(self.shown, following.pts)), self._end + 1)
        if closes is None or end < closes:
            return end
        return closes - 1 if closes - 1 > self._end else None

    def _part(self, count: int, end_dts: int, end: int) -> Cut:
        packets, self.packets = self.packets[:count], self.packets[count:]
        self._sent += [(packet.dts, packet.pts) for packet in packets]
        self._end, self._next_dts = end, end_dts
        return Cut(self.sequence, packets, end_dts, end)

    # --- replays ---------------------------------------------------------------------------------

    def rewind(self) -> None:
        """The segment begins again: what is in no part yet is forgotten."""
        self.size -= sum(len(packet.data) for packet in self.packets)
        self.packets = []
        self._replayed = 0

    @property
    def is_replayed(self) -> bool:
        """Whether all that is in parts has come again."""
        return self._replayed == len(self._sent) or bool(self.packets)

    def repeats(self, packet: Packet) -> bool:
        """Whether the packet has the times of the one that is expected again."""
        if (packet.dts, packet.pts) != self._sent[self._replayed]:
            return False
        self._replayed += 1
        return True

    def continues_with(self, packet: Packet) -> bool:
        """Whether a packet can come next: after a part, only where that ended."""
        if self.packets:
            return packet.dts > self.packets[-1].dts
        return not self._sent or packet.dts == self._next_dts

    # ---------------------------------------------------------------------------------------------

    def last_duration(self, count: int) -> int:
        """How long the last of the first `count` packets lasts: as long as the one before."""
        times = [dts for dts, _ in self._sent[-2:]] + [each.dts for each in self.packets[:count]]
        if len(times) > 1:
            return times[-1] - times[-2]
        return (self.packets[0].duration if self.packets else 0) or _LAST_DURATION

    def media_end(self) -> int:
        """Where the packets end on screen."""
        return self.shown + self.last_duration(len(self.packets))
