"""Small real sources for transcode tests, and a sink that keeps what comes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

import av
from av.codec.context import Flags
from av.video.frame import PictureType

from config.clock import SystemClock
from media.hub import Stream
from media.pictures import Picture, PictureKind, why_unfit
from media.transcode.rendition import Rendition
from media.units import VIDEO_TIMESCALE, MediaKind, Packet, Track
from media.wire.nal import (
    annex_b_to_length_prefixed,
    avc_configuration_from_annex_b,
    track_from_audio_specific_config,
    track_from_avc_configuration,
)

START = 5_000_000
"""A publisher's clock, in 1/90000 s."""


@dataclass(frozen=True)
class Source:
    """What a publisher sends: a track, and its packets in decoding order."""

    track: Track
    packets: tuple[Packet, ...]


@cache
def video_source(
    width: int = 854,
    height: int = 480,
    *,
    seconds: int = 4,
    rate: int = 15,
    keyframe_every: int = 30,
    b_frames: int = 0,
    jitter: bool = False,
    pixel_format: str = "yuv420p",
    detail: int = 1,
    still: bool = False,
) -> Source:
    """A moving gradient.

    Args:
        jitter: uneven frame times.
        still: it does not move.
        detail: how steep the gradient is, and so how hard to encode.
    """
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, pixel_format
    context.framerate, context.time_base = Fraction(rate), Fraction(1, VIDEO_TIMESCALE)
    context.flags |= Flags.global_header
    context.options = {
        "preset": "ultrafast",
        "crf": "30",
        "g": str(keyframe_every),
        "keyint_min": str(keyframe_every),
        "sc_threshold": "0",
        "bf": str(b_frames),
        "b_strategy": "0",
        "threads": "1",
    }
    encoded: list[av.Packet[Any]] = []
    step = VIDEO_TIMESCALE // rate
    for index in range(seconds * rate):
        moved = 0 if still else index
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane in frame.planes:
            row = bytes((x * detail + 5 * moved) % 256 for x in range(plane.line_size))
            plane.update(row * (plane.buffer_size // plane.line_size))
        if pixel_format != "yuv420p":
            frame = frame.reformat(format=pixel_format)
        uneven = (index * 7919 % 5 - 2) * step // 6 if jitter and index else 0
        frame.pts = START + index * step + uneven
        frame.time_base = Fraction(1, VIDEO_TIMESCALE)
        frame.pict_type = PictureType.NONE
        encoded += context.encode(frame)
    encoded += context.encode(None)
    assert context.extradata is not None
    record = avc_configuration_from_annex_b(bytes(context.extradata))
    return Source(track_from_avc_configuration(record), tuple(_packet(one) for one in encoded))


@cache
def audio_source(*, seconds: int = 4, sample_rate: int = 48_000) -> Source:
    """Silence."""
    context = av.CodecContext.create("aac", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.layout, context.sample_rate, context.format = "stereo", sample_rate, "fltp"
    context.time_base = Fraction(1, sample_rate)
    context.flags |= Flags.global_header
    encoded: list[av.Packet[Any]] = []
    origin = START * sample_rate // VIDEO_TIMESCALE
    for index in range(seconds * sample_rate // 1024):
        frame = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate, frame.pts = sample_rate, origin + index * 1024
        frame.time_base = Fraction(1, sample_rate)
        encoded += context.encode(frame)
    assert context.extradata is not None
    track = track_from_audio_specific_config(bytes(context.extradata))
    return Source(track, tuple(_audio_packet(one) for one in encoded))


def publish(stream: Stream, *sources: Source) -> None:
    """Announce the tracks and write all packets, interleaved by time."""
    for source in sources:
        stream.announce(source.track)
    write(stream, *sources)


def write(stream: Stream, *sources: Source) -> None:
    timed = [
        (Fraction(packet.dts, source.track.timescale), source.track.kind, packet)
        for source in sources
        for packet in source.packets
    ]
    for _, kind, packet in sorted(timed, key=lambda one: one[0]):
        stream.write(kind, packet)


def shifted(source: Source, ticks: int) -> Source:
    """The same packets later, by 1/90000 s."""
    offset = ticks * source.track.timescale // VIDEO_TIMESCALE
    return replace(
        source,
        packets=tuple(
            replace(one, dts=one.dts + offset, pts=one.pts + offset) for one in source.packets
        ),
    )


def new_stream() -> Stream:
    return Stream("test", SystemClock())


class RecordingSink:
    """A packager that keeps packets as the program's own does.

    Encoded packets may come again from the start of the segment that is open: that segment is then
    dropped and begun anew.
    """

    def __init__(self) -> None:
        self.epochs: list[dict[str, Rendition]] = []
        self.kept: list[dict[str, list[Packet]]] = []
        self.retired: dict[str, str] = {}
        self.posters: list[Picture] = []
        self.sheets: dict[int, Picture] = {}
        self.losses: list[tuple[int, int]] = []
        self.ended = 0
        self.restarted_segments = 0
        self._changed = asyncio.Event()

    def begin(self, renditions: Sequence[Rendition]) -> None:
        assert not self.ended
        self.epochs.append({one.name: one for one in renditions})
        self.kept.append({one.name: [] for one in renditions})
        self._changed.set()

    def packet(self, rendition: str, packet: Packet) -> None:
        assert not self.ended
        assert rendition not in self.retired
        kept = self.kept[-1][rendition]
        if self.epochs[-1][rendition].track.kind is MediaKind.VIDEO and not kept:
            assert packet.keyframe
            assert packet.boundary
        starts = [one.pts for one in kept if one.boundary]
        if packet.boundary and starts and packet.pts == starts[-1]:
            while kept.pop().pts != packet.pts:
                pass
            self.restarted_segments += 1
        assert not kept or packet.dts > kept[-1].dts
        kept.append(packet)
        self._changed.set()

    def picture(self, picture: Picture) -> None:
        assert self.epochs
        assert why_unfit(picture) is None
        if picture.kind is PictureKind.POSTER:
            self.posters.append(picture)
        else:
            earlier = self.sheets.get(picture.number)
            assert earlier is None or picture.times[: len(earlier.times)] == earlier.times
            self.sheets[picture.number] = picture
        self._changed.set()

    def retire(self, rendition: str, reason: str) -> None:
        assert rendition in self.epochs[-1]
        self.retired[rendition] = reason
        self._changed.set()

    def lost(self, start: int, end: int) -> None:
        self.losses.append((start, end))

    def end(self) -> None:
        self.ended += 1

    def boundaries(self, rendition: str, epoch: int = -1) -> list[int]:
        return [one.pts for one in self.kept[epoch][rendition] if one.boundary]

    def pictures(self, rendition: str, epoch: int = -1) -> list[int]:
        """Presentation times of all packets, in order."""
        return sorted(one.pts for one in self.kept[epoch][rendition])

    async def until(self, reached: Callable[["RecordingSink"], bool]) -> None:
        """Wait for something to be true of this sink."""
        async with asyncio.timeout(30):
            while not reached(self):
                self._changed.clear()
                await self._changed.wait()


def decoded(rendition: Rendition, packets: Sequence[Packet]) -> list[int]:
    """What an independent decoder shows: presentation times; it must not complain."""
    context = av.CodecContext.create("h264", "r")
    context.extradata = rendition.track.extradata
    times: list[int | None] = []
    for packet in packets:
        made: av.Packet[Any] = av.Packet(packet.data)
        made.pts, made.dts = packet.pts, packet.dts
        made.time_base = Fraction(1, VIDEO_TIMESCALE)
        frames = context.decode(made)
        assert all((one.width, one.height) == _size(rendition) for one in frames)
        times += [frame.pts for frame in frames]
    times += [frame.pts for frame in context.decode(None)]
    return [time for time in times if time is not None]


def _size(rendition: Rendition) -> tuple[int, int]:
    return rendition.track.width, rendition.track.height


def _packet(packet: "av.Packet[Any]") -> Packet:
    assert packet.pts is not None
    assert packet.dts is not None
    data = annex_b_to_length_prefixed(bytes(packet))
    return Packet(packet.dts, packet.pts, 0, packet.is_keyframe, data)


def _audio_packet(packet: "av.Packet[Any]") -> Packet:
    assert packet.pts is not None
    return Packet(packet.pts, packet.pts, 1024, keyframe=True, data=bytes(packet))
