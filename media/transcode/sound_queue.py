"""Source packets of sound on their way to a worker."""

from collections import deque

from config.limits import (
    SOUND_INSIDE_PACKETS_MAX,
    SOUND_QUEUE_BYTES_MAX,
    SOUND_QUEUE_PACKETS_MAX,
)
from media.units import Packet


class SoundQueue:
    """Holds what no worker has got yet; when it is full, the oldest packets go.

    What a worker has got is not kept: should it die, that is lost, and what killed it as well.

    Attributes:
        dropped: packets that no worker got.
    """

    def __init__(
        self,
        *,
        inside_max: int = SOUND_INSIDE_PACKETS_MAX,
        packets_max: int = SOUND_QUEUE_PACKETS_MAX,
        bytes_max: int = SOUND_QUEUE_BYTES_MAX,
    ) -> None:
        self._inside_max = inside_max
        self._packets_max = packets_max
        self._bytes_max = bytes_max
        self._packets: deque[Packet] = deque()
        self._bytes = 0
        self.dropped = 0

    def is_empty(self) -> bool:
        return not self._packets

    def push(self, packet: Packet) -> None:
        """Take the next packet of the source."""
        self._packets.append(packet)
        self._bytes += len(packet.data)
        while len(self._packets) > self._packets_max or self._bytes > self._bytes_max:
            self._bytes -= len(self._packets.popleft().data)
            self.dropped += 1

    def next(self, inside: int) -> Packet | None:
        """The packet to send to a worker that has so many it is not done with; None to wait."""
        if inside >= self._inside_max or not self._packets:
            return None
        packet = self._packets.popleft()
        self._bytes -= len(packet.data)
        return packet
