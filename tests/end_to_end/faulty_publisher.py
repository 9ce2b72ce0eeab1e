"""A publisher in real time whose connection breaks at a chosen place, and who comes back."""

import asyncio
import itertools
import socket
import struct
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cache

import av
import numpy
from av.codec.context import Flags
from av.video.frame import PictureType

from config.tasks import spawn
from media.wire.nal import annex_b_to_length_prefixed, avc_configuration_from_annex_b
from media.wire.rtmp_client import ClientConnection
from media.wire.rtmp_event import ClientEvent, PublishAccepted
from media.wire.rtmp_handshake import NONCE_BYTES

FRAME_MS = 80
GROUP = 25
_SECONDS = 8  # holds whole groups of pictures and whole frames of AAC at 48 kHz
_SAMPLE_RATE, _FRAME_SAMPLES = 48_000, 1024
# FLV, E.4.3.1 and E.4.2.1: AVC and AAC, each with its configuration and with a frame.
_KEY, _INTER, _AAC = 0x17, 0x27, 0xAF
_CONFIGURATION, _FRAME = 0, 1
_SOUND = -1
_ANSWER_SECONDS = 30


class Cut(StrEnum):
    """Where a connection breaks."""

    AT_KEYFRAME = "at a keyframe"
    MID_GROUP = "amid a group of pictures"
    MID_MESSAGE = "amid a message"


@dataclass(frozen=True, slots=True)
class Tag:
    """An FLV body and when it is sent, in milliseconds from the clip's beginning.

    `place`: of a picture in its group; -1 for sound.
    """

    time: int
    body: bytes
    place: int


@dataclass(frozen=True, slots=True)
class Clip:
    """Eight seconds that can be sent over and over."""

    configurations: tuple[bytes, bytes]
    tags: tuple[Tag, ...]

    @property
    def duration(self) -> int:
        return _SECONDS * 1000


@cache
def make_clip(width: int, height: int) -> Clip:
    """A wave that wanders, at 12.5 pictures a second with B-frames and a keyframe every 2 s."""
    record, pictures = _encode_pictures(width, height)
    config, sounds = _encode_sound()
    video = bytes([_KEY, _CONFIGURATION, 0, 0, 0]) + record
    return Clip(
        (video, bytes([_AAC, _CONFIGURATION]) + config),
        tuple(sorted((*pictures, *sounds), key=lambda tag: tag.time)),
    )


def _encode_pictures(width: int, height: int) -> tuple[bytes, list[Tag]]:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(1000, FRAME_MS), Fraction(FRAME_MS, 1000)
    encoder.flags |= Flags.global_header
    encoder.options = {
        "preset": "superfast",
        "profile": "main",
        "g": str(GROUP),
        "keyint_min": str(GROUP),
        "sc_threshold": "0",
        "bf": "2",
        "crf": "28",
        "threads": "1",
    }
    packets = []
    x, y = numpy.meshgrid(numpy.arange(width), numpy.arange(height))
    phases = (x * 500 // width + y * 360 // height).astype(numpy.uint8)
    wave = (128 + 100 * numpy.sin(numpy.arange(256) * numpy.pi / 128)).astype(numpy.uint8)
    for index in range(_SECONDS * 1000 // FRAME_MS):
        shade = wave[phases + numpy.uint8(10 * index % 256)]
        picture = numpy.stack([shade, shade[::-1], 255 - shade], axis=2)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.pict_type = index, PictureType.NONE
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    assert encoder.extradata is not None
    tags = []
    for index, packet in enumerate(packets):
        assert packet.dts is not None
        assert packet.pts is not None
        composition_ms = (packet.pts - packet.dts) * FRAME_MS
        head = bytes([_KEY if packet.is_keyframe else _INTER, _FRAME])
        body = head + composition_ms.to_bytes(3) + annex_b_to_length_prefixed(bytes(packet))
        tags.append(Tag(index * FRAME_MS, body, index % GROUP))
    return avc_configuration_from_annex_b(encoder.extradata), tags


def _encode_sound() -> tuple[bytes, list[Tag]]:
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = _SAMPLE_RATE, "stereo", "fltp"
    encoder.flags |= Flags.global_header
    encoder.open()
    assert encoder.extradata is not None
    bodies: list[bytes] = []
    count = _SECONDS * _SAMPLE_RATE // _FRAME_SAMPLES
    for index in range(count + 2):
        times = numpy.arange(index * _FRAME_SAMPLES, (index + 1) * _FRAME_SAMPLES) / _SAMPLE_RATE
        tone = (0.1 * numpy.sin(2 * numpy.pi * 440 * times)).astype(numpy.float32)
        frame = av.AudioFrame.from_ndarray(
            numpy.stack([tone, tone]), format="fltp", layout="stereo"
        )
        frame.sample_rate, frame.pts = _SAMPLE_RATE, index * _FRAME_SAMPLES
        bodies += [bytes([_AAC, _FRAME]) + bytes(packet) for packet in encoder.encode(frame)]
    times_ms = [index * _FRAME_SAMPLES * 1000 // _SAMPLE_RATE for index in range(count)]
    return encoder.extradata, [
        Tag(time, body, _SOUND) for time, body in zip(times_ms, bodies, strict=False)
    ]


class FaultyPublisher:
    """One encoder with one key; its connections follow each other.

    Attributes:
        pictures: how many were sent in whole, over all connections.
        clock: the time of the newest tag that was sent, in milliseconds.
    """

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._core: ClientConnection
        self._sending: asyncio.Task[Tag] | None = None
        self._last_place: int | None = None
        self.pictures = 0
        self.clock = 0

    async def publish(self, clip: Clip, clock: int) -> None:
        """Connect and send the clip over and over from now on, its times beginning at `clock`."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._core = ClientConnection(
            bytes(NONCE_BYTES), app="live", url="rtmp://127.0.0.1/live", stream_name=self._key
        )
        self._flush()
        async with asyncio.timeout(_ANSWER_SECONDS):
            events: list[ClientEvent] = []
            while not events:
                data = await self._reader.read(65_536)
                assert data, "the server closed the connection"
                events = self._core.receive_data(data)
                self._flush()
        assert events == [PublishAccepted()]
        self._last_place = None
        self._sending = spawn(self._send(clip, clock), name="faulty publisher")

    async def cut(self, cut: Cut) -> None:
        """Break the connection at the next such place; it is broken when this returns."""
        following = await self._stop_before(0 if cut is Cut.AT_KEYFRAME else GROUP // 2)
        if cut is Cut.MID_MESSAGE:
            self._core.send_video(self.clock + FRAME_MS, following.body)
            data = self._core.data_to_send()
            self._writer.write(data[: len(data) // 2])
            await self._writer.drain()
            self._reset()
        else:
            await self._close()

    async def end(self) -> None:
        """Say amid a group of pictures that nothing more comes, and close."""
        await self._stop_before(GROUP // 2)
        self._core.end_publish()
        self._flush()
        await self._close()

    async def abandon(self) -> None:
        """Let go of everything, at the end of a test that may have failed."""
        if self._sending is not None and not self._sending.done():
            self._sending.cancel()
            await asyncio.wait({self._sending})
            self._writer.transport.abort()

    async def _stop_before(self, place: int) -> Tag:
        """Stop sending before the next picture of this place in its group; returns it."""
        assert self._sending is not None
        self._last_place = place
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await self._sending

    async def _send(self, clip: Clip, clock: int) -> Tag:
        video, audio = clip.configurations
        self._core.send_video(clock, video)
        self._core.send_audio(clock, audio)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for turn in itertools.count():
            for tag in clip.tags:
                time = turn * clip.duration + tag.time
                early = began + time / 1000 - loop.time()
                if early > 0:
                    await self._writer.drain()
                    await asyncio.sleep(early)
                if tag.place == self._last_place:
                    return tag
                self._send_tag(tag, clock + time)
        raise AssertionError("a count has no end")

    def _send_tag(self, tag: Tag, time: int) -> None:
        self.clock = time
        if tag.place == _SOUND:
            self._core.send_audio(time, tag.body)
        else:
            self._core.send_video(time, tag.body)
            self.pictures += 1
        self._flush()

    def _reset(self) -> None:
        """Close as a machine that crashed does: with RST."""
        endpoint: socket.socket = self._writer.get_extra_info("socket")
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def _close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    def _flush(self) -> None:
        self._writer.write(self._core.data_to_send())
