"""Decodes a file's sound on a thread of its own, and has it encoded up to the end of the file."""

import queue
import threading
from collections.abc import Callable
from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.error import FFmpegError

from config.limits import FILE_QUEUE_PACKETS_MAX
from media.file.allowed import check_sound
from media.file.plan import SoundPlan
from media.timeline import TIMELINE_START
from media.transcode.av_sound import EvenSound, SoundEncoder
from media.wire.aac import FRAME_SAMPLES

# Stamps that are rounded to milliseconds, or wander, are followed without a click.
_FOLLOW_MS = 100


def sound_encoder(sound: SoundPlan) -> SoundEncoder:
    """The encoder that a plan asks for."""
    return SoundEncoder(sound.sample_rate, sound.channels, sound.bit_rate)


def silent_packet(sound: SoundPlan) -> bytes:
    """An AAC frame of silence, to be put between frames of another encoder."""
    encoder = sound_encoder(sound)
    packets = [one for n in range(4) for one in encoder.encode(encoder.silence(n * FRAME_SAMPLES))]
    return bytes(packets[-1])


class SoundWork:
    """One thread that decodes, resamples and encodes.

    Attributes:
        configuration: the AudioSpecificConfig of what is made.
        heard: blocks that came out of the decoder.
    """

    def __init__(
        self,
        decoder: AudioCodecContext,
        encoder: SoundEncoder,
        end: int,
        send: "Callable[[av.Packet[Any]], None]",
    ) -> None:
        """Prepare to fill the time up to `end` (1/90000 s); `send` takes what is encoded."""
        self.configuration = encoder.configuration()
        self._decoder = decoder
        self._end = end
        start = encoder.samples(TIMELINE_START)
        self._sound = EvenSound(encoder, send, start, follow_ms=_FOLLOW_MS)
        self._packets: queue.Queue[av.Packet[Any] | None] = queue.Queue(FILE_QUEUE_PACKETS_MAX)
        self._thread = threading.Thread(target=self._run, name="sound")
        self.heard = 0

    def start(self) -> None:
        self._thread.start()

    def put(self, packet: "av.Packet[Any]") -> None:
        """Hand over the next packet, with times of the timeline; waits for room."""
        self._packets.put(packet)

    def finish(self) -> None:
        """Return when all that was put is encoded and sent."""
        self._packets.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (packet := self._packets.get()) is not None:
            self._decode(packet)
        self._decode(None)
        self._sound.finish(self._end)

    def _decode(self, packet: "av.Packet[Any] | None") -> None:
        try:
            frames = self._decoder.decode(packet)
        except FFmpegError:
            return  # what is missing becomes silence
        for frame in frames:
            check_sound(frame.sample_rate, len(frame.layout.channels))
            self.heard += 1
            if frame.pts is not None and frame.pts < self._end:
                self._sound.take(frame, frame.pts)
