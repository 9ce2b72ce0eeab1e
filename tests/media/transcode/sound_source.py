"""Small real sources of sound that is not AAC, and what can be heard in what became of them."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from media.transcode.rendition import Rendition
from media.units import VIDEO_TIMESCALE, Coding, MediaKind, Packet, Track
from tests.media.transcode.synthetic import START, Source

TONE_HZ = 1_000
ONSET_SECONDS = 1
"""Silence comes first, then the tone begins."""

_ENCODERS = {
    Coding.OPUS: ("libopus", "opus", "flt"),
    Coding.FLAC: ("flac", "fLaC", "s16"),
    Coding.AC3: ("ac3", "ac-3", "fltp"),
    Coding.EAC3: ("eac3", "ec-3", "fltp"),
    Coding.MP3: ("libmp3lame", "mp4a.40.34", "fltp"),
}
_CHANNELS = {"mono": 1, "stereo": 2, "5.1": 6}


@cache
def sound_source(
    coding: Coding, *, seconds: int = 3, sample_rate: int = 48_000, layout: str = "stereo"
) -> Source:
    """Silence, and from `ONSET_SECONDS` on a tone in all channels."""
    name, codec, sample_format = _ENCODERS[coding]
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, av.AudioCodecContext)
    context.layout, context.sample_rate, context.format = layout, sample_rate, sample_format
    context.time_base = Fraction(1, sample_rate)
    context.bit_rate = 192_000
    context.open()
    size = context.frame_size or 1024
    origin = START * sample_rate // VIDEO_TIMESCALE
    encoded: list[av.Packet[Any]] = []
    for first in range(0, seconds * sample_rate, size):
        frame = _block(first, size, sample_rate, layout, sample_format)
        frame.pts, frame.time_base = origin + first, Fraction(1, sample_rate)
        encoded += context.encode(frame)
    encoded += context.encode(None)
    tells = coding in (Coding.OPUS, Coding.FLAC)
    track = Track(
        kind=MediaKind.AUDIO,
        codec=codec,
        timescale=sample_rate,
        extradata=bytes(context.extradata or b"") if tells else b"",
        channels=_CHANNELS[layout],
        sample_rate=sample_rate,
    )
    return Source(track, tuple(_packet(one, size) for one in encoded if one.size))


@dataclass(frozen=True)
class Heard:
    """The first channel of an AAC track, decoded; `start` is the time of its first sample.

    Attributes:
        start: in samples of the timeline.
    """

    start: int
    sample_rate: int
    samples: "NDArray[np.float32]"

    def onset(self, after: float = 0) -> float:
        """When the tone begins, in seconds of the timeline: a tenth of it is loud enough."""
        first = max(0, int(after * self.sample_rate) - self.start)
        loud = np.nonzero(np.abs(self.samples[first:]) > 0.05)[0]
        assert len(loud), "nothing is heard"
        return (self.start + first + int(loud[0])) / self.sample_rate

    def frequency(self) -> float:
        """Of the loudest tone in the last half second, in Hz."""
        last = self.samples[-self.sample_rate // 2 :]
        spectrum = np.abs(np.fft.rfft(last * np.hanning(len(last))))
        return float(np.argmax(spectrum)) * self.sample_rate / len(last)

    def silent_seconds(self) -> float:
        """How much of the time after the onset is silent, in blocks of 5 ms."""
        first = int(np.nonzero(np.abs(self.samples) > 0.05)[0][0])
        block = self.sample_rate // 200
        rest = self.samples[first : first + (len(self.samples) - first) // block * block]
        loudest = np.abs(rest.reshape(-1, block)).max(axis=1)
        return float(np.count_nonzero(loudest < 0.05)) / 200


def heard(rendition: Rendition, packets: list[Packet]) -> Heard:
    """What an independent decoder plays; frames have to follow each other."""
    track = rendition.track
    context = av.CodecContext.create("aac", "r")
    assert isinstance(context, av.AudioCodecContext)
    context.extradata = track.extradata
    blocks: list[NDArray[np.float32]] = []
    for number, packet in enumerate(packets):
        assert packet.dts == packets[0].dts + number * 1024
        made: av.Packet[Any] = av.Packet(packet.data)
        made.pts, made.time_base = packet.pts, Fraction(1, track.timescale)
        blocks += [one.to_ndarray()[0] for one in context.decode(made)]
    return Heard(packets[0].dts, track.timescale, np.concatenate(blocks))


def _block(
    first: int, size: int, sample_rate: int, layout: str, sample_format: str
) -> av.AudioFrame:
    times = (np.arange(first, first + size)) / sample_rate
    tone = 0.4 * np.sin(2 * np.pi * TONE_HZ * times) * (times >= ONSET_SECONDS)
    channels = np.tile(tone.astype(np.float32), (_CHANNELS[layout], 1))
    if sample_format == "s16":
        packed = (channels.T.reshape(1, -1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
    elif sample_format == "flt":
        interleaved = np.ascontiguousarray(channels.T.reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=layout)
    else:
        frame = av.AudioFrame.from_ndarray(channels, format="fltp", layout=layout)
    frame.sample_rate = sample_rate
    return frame


def _packet(packet: "av.Packet[Any]", size: int) -> Packet:
    assert packet.pts is not None
    return Packet(packet.pts, packet.pts, size, keyframe=True, data=bytes(packet))
