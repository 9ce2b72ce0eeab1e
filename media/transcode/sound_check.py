"""What a sound worker says it made, checked before anybody gets it."""

from config.limits import SOUND_AHEAD_MS_MAX, SOUND_FRAME_BYTES_MAX
from media.transcode.protocol import Encoded, MalformedMessage
from media.units import VIDEO_TIMESCALE, Packet
from media.wire.aac import FRAME_SAMPLES


class SoundCheck:
    """Frames follow each other, and the source; holes may be between them.

    Attributes:
        next: where the next frame begins at the earliest, in samples of what is made; None before
            the first. A worker that takes over goes on there.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._fed_until: int | None = None
        self._fed_from: int | None = None
        self.next: int | None = None

    @property
    def made_until(self) -> int:
        """Where what was made ends, in 1/90000 s; where it would begin if nothing was."""
        samples = self._fed_from if self.next is None else self.next
        return (samples or 0) * VIDEO_TIMESCALE // self._sample_rate

    def fed(self, pts: int) -> None:
        """A packet of the source is given to a worker; its time is 1/90000 s."""
        samples = pts * self._sample_rate // VIDEO_TIMESCALE
        if self._fed_from is None:
            self._fed_from = samples
        self._fed_until = max(samples, self._fed_until or 0)

    def take(self, message: Encoded) -> Packet:
        """The frame that a message holds.

        Raises:
            MalformedMessage: it cannot have been made of the source.
        """
        if message.rung != 0 or not 0 < len(message.data) <= SOUND_FRAME_BYTES_MAX:
            raise MalformedMessage(f"a frame of {len(message.data)} bytes for {message.rung}")
        if self._fed_from is None or self._fed_until is None:
            raise MalformedMessage("sound was made of nothing")
        earliest = self._fed_from - FRAME_SAMPLES if self.next is None else self.next
        latest = self._fed_until + SOUND_AHEAD_MS_MAX * self._sample_rate // 1000
        if not earliest <= message.dts <= latest:
            raise MalformedMessage(f"sound at {message.dts}, not within {earliest} to {latest}")
        self.next = message.dts + FRAME_SAMPLES
        return Packet(
            dts=message.dts,
            pts=message.dts,
            duration=FRAME_SAMPLES,
            keyframe=True,
            data=message.data,
        )
