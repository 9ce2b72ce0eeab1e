"""Makes AAC of a live source's sound."""

from fractions import Fraction
from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.error import FFmpegError

from config.limits import SOUND_SILENCE_MS_MAX
from media.transcode.av_sound import EvenSound, SoundEncoder
from media.transcode.decoding import DECODER_OPTIONS, SOUND_DECODERS, is_usual_sound
from media.transcode.protocol import (
    Appearance,
    Encoded,
    Finished,
    Message,
    Opened,
    Progress,
    SourcePacket,
)
from media.transcode.sound_plan import ENCODED_BIT_RATE, ENCODED_CHANNELS, SoundPlan
from media.transcode.worker_pipe import Outbox
from media.units import VIDEO_TIMESCALE
from media.wire.aac import FRAME_SAMPLES

_TIME_BASE = Fraction(1, VIDEO_TIMESCALE)
_SILENCE_MAX = SOUND_SILENCE_MS_MAX * VIDEO_TIMESCALE // 1000
# The timeline has taken the jitter out of stamps, so what is left is a hole, and filled at once.
_FOLLOW_MS = 20


class LiveSound:
    """Decodes packets as they come and sends what is encoded; all on one thread.

    What is sent begins exactly with the plan's first sample: the encoder's priming, which says
    nothing, is left out.
    """

    def __init__(self, plan: SoundPlan, outbox: Outbox) -> None:
        """Open the decoder and the encoder, and say so."""
        self._plan = plan
        self._outbox = outbox
        self._decoder = _open_decoder(plan)
        self._encoder = SoundEncoder(plan.encoded_rate, ENCODED_CHANNELS, ENCODED_BIT_RATE)
        self._sound: EvenSound | None = None
        self._expected: int | None = None
        self._start = 0
        self._made: list[Message] = []
        self._consumed = 0
        self._undecodable = 0
        outbox.send(Opened(Appearance(), (self._encoder.configuration(),)))

    def take(self, packet: SourcePacket) -> None:
        """Work on the next packet; its times are 1/90000 s."""
        made: av.Packet[Any] = av.Packet(packet.data)
        made.pts, made.dts, made.time_base = packet.pts, packet.dts, _TIME_BASE
        self._decode(made)
        self._consumed += 1
        self._report()

    def finish(self) -> None:
        """Encode and send what is left."""
        self._decode(None)
        if self._sound is not None:
            self._sound.finish()
        self._made.append(Finished())
        self._outbox.send_all(self._made)

    def _decode(self, packet: "av.Packet[Any] | None") -> None:
        try:
            frames = self._decoder.decode(packet)
        except FFmpegError:
            self._undecodable += 1
            return  # what is missing becomes silence
        for frame in frames:
            # Of several blocks in a packet only the first has a time.
            pts = self._expected if frame.pts is None else frame.pts
            usual = is_usual_sound(frame.sample_rate, len(frame.layout.channels))
            if not usual or pts is None:
                self._undecodable += 1
                continue
            if self._sound is None:
                self._sound = self._begin(pts)
            self._expected = pts + frame.samples * VIDEO_TIMESCALE // frame.sample_rate
            self._sound.take(frame, pts)

    def _begin(self, pts: int) -> EvenSound:
        self._start = self._encoder.samples(pts) if self._plan.start is None else self._plan.start
        return EvenSound(
            self._encoder,
            self._send,
            self._start,
            follow_ms=_FOLLOW_MS,
            silence_max=_SILENCE_MAX,
        )

    def _send(self, packet: "av.Packet[Any]") -> None:
        assert packet.pts is not None
        if packet.pts < self._start:
            return
        self._made.append(
            Encoded(
                rung=0,
                dts=packet.pts,
                pts=packet.pts,
                duration=FRAME_SAMPLES,
                keyframe=True,
                boundary=False,
                data=bytes(packet),
            )
        )

    def _report(self) -> None:
        progress = Progress(
            consumed=self._consumed, undecodable=self._undecodable, skipped=0, displaced=0
        )
        self._outbox.send_all([*self._made, progress])
        self._made.clear()


def _open_decoder(plan: SoundPlan) -> AudioCodecContext:
    decoder = av.CodecContext.create(SOUND_DECODERS[plan.coding], "r")
    assert isinstance(decoder, AudioCodecContext), "a sound plan is for sound"
    decoder.extradata = plan.configuration
    decoder.options = dict(DECODER_OPTIONS)
    decoder.pkt_timebase = _TIME_BASE
    decoder.thread_count = 1
    decoder.open()
    return decoder
