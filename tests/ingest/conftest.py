"""Real footage, and an encoder made of our own client core, for the tests of publishing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy
import pytest

from config.clock import ManualClock
from ingest.admission import PublishRefused
from ingest.rtmp_server import RtmpLimits, RtmpServer
from media.hub import Event, Hub, Reader, Stream
from media.wire.flv import (
    AudioConfiguration,
    AudioFrame,
    VideoConfiguration,
    VideoFrame,
    write_audio,
    write_video,
)
from media.wire.nal import annex_b_to_length_prefixed, avc_configuration_from_annex_b
from media.wire.rtmp_client import ClientConnection
from media.wire.rtmp_event import ClientEvent
from media.wire.rtmp_handshake import NONCE_BYTES

FRAME_MS = 40


@dataclass
class Footage:
    """Two seconds of H.264 with B-frames at 25 fps, and as much AAC at 48 kHz."""

    record: bytes = b""
    frames: list[tuple[int, VideoFrame]] = field(default_factory=list)
    config: bytes = b""
    audio: list[tuple[int, AudioFrame]] = field(default_factory=list)


@pytest.fixture(scope="session")
def footage() -> Footage:
    result = Footage()
    _encode_video(result)
    _encode_audio(result)
    return result


def _encode_video(result: Footage) -> None:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 320, 180, "yuv420p"
    encoder.framerate, encoder.time_base, encoder.gop_size = Fraction(25), Fraction(1, 25), 25
    encoder.flags |= av.codec.context.Flags.global_header
    encoder.options = {"preset": "veryfast", "bf": "2", "threads": "1"}
    packets = []
    for index in range(50):
        picture = numpy.full((180, 320, 3), index * 5, dtype=numpy.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts = index
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    assert encoder.extradata is not None
    result.record = avc_configuration_from_annex_b(encoder.extradata)
    for packet in packets:
        assert packet.dts is not None
        assert packet.pts is not None
        data = annex_b_to_length_prefixed(bytes(packet))
        composition_ms = (packet.pts - packet.dts) * FRAME_MS
        # B-frames make decoding times begin below zero; encoders move them up.
        time = (packet.dts + 2) * FRAME_MS
        result.frames.append((time, VideoFrame(packet.is_keyframe, composition_ms, data)))


def _encode_audio(result: Footage) -> None:
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "fltp"
    encoder.flags |= av.codec.context.Flags.global_header
    encoder.open()
    assert encoder.extradata is not None
    result.config = encoder.extradata
    for index in range(94):
        frame = av.AudioFrame.from_ndarray(
            numpy.zeros((2, 1024), dtype=numpy.float32), format="fltp", layout="stereo"
        )
        frame.sample_rate, frame.pts = 48_000, index * 1024
        for packet in encoder.encode(frame):
            time = len(result.audio) * 1024 * 1000 // 48_000
            result.audio.append((time, AudioFrame(bytes(packet))))


class Keys:
    """An admission that knows one key; `opened` holds its answer back."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.opened = asyncio.Event()
        self.opened.set()

    async def admit(self, app: str, stream_key: str, peer: str) -> str:
        self.asked.append((app, stream_key, peer))
        await self.opened.wait()
        if stream_key.partition("?")[0] != "right":
            raise PublishRefused("unknown stream key")
        return "src_1"


class Encoder:
    """Our client core on a socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._core = ClientConnection(
            bytes(NONCE_BYTES), app="live", url="rtmp://127.0.0.1/live", stream_name="right"
        )

    @classmethod
    async def connect(cls, port: int, stream_name: str = "right") -> "Encoder":
        encoder = cls(*await asyncio.open_connection("127.0.0.1", port))
        encoder._core = ClientConnection(
            bytes(NONCE_BYTES), app="live", url="rtmp://127.0.0.1/live", stream_name=stream_name
        )
        encoder.flush()
        return encoder

    @property
    def core(self) -> ClientConnection:
        return self._core

    async def answer(self) -> ClientEvent:
        """What the server says to our wish to publish."""
        while True:
            data = await self._reader.read(65_536)
            if not data:
                raise ConnectionError("the server closed the connection")
            events = self._core.receive_data(data)
            self.flush()
            if events:
                return events[0]

    def send(self, footage: Footage) -> None:
        """Send all of it, as an encoder interleaves it."""
        self._core.send_video(0, write_video(VideoConfiguration(footage.record)))
        self._core.send_audio(0, write_audio(AudioConfiguration(footage.config)))
        tags = [(time, 0, write_video(frame)) for time, frame in footage.frames]
        tags += [(time, 1, write_audio(frame)) for time, frame in footage.audio]
        for time, is_audio, body in sorted(tags):
            if is_audio:
                self._core.send_audio(time, body)
            else:
                self._core.send_video(time, body)
        self.flush()

    def send_raw(self, data: bytes) -> None:
        self._writer.write(data)

    def flush(self) -> None:
        self._writer.write(self._core.data_to_send())

    async def closed(self) -> None:
        """Wait until the server has closed the connection."""
        try:
            while await self._reader.read(65_536):
                pass
        except ConnectionError:
            return

    def abort(self) -> None:
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return


class Rig:
    """A server on a free port, its hub, and the first stream that is published."""

    def __init__(self, limits: RtmpLimits) -> None:
        self.keys = Keys()
        self.clock = ManualClock()
        self.readers: list[Reader] = []
        self.hub = Hub(self._published)
        self.server = RtmpServer("127.0.0.1", 0, self.keys, self.hub, self.clock, limits)
        self._encoders: list[Encoder] = []

    def _published(self, stream: Stream) -> None:
        self.readers.append(stream.read())

    async def encoder(self, stream_name: str = "right") -> Encoder:
        encoder = await Encoder.connect(self.server.port, stream_name)
        self._encoders.append(encoder)
        return encoder

    async def events(self, publication: int = 0) -> list[Event]:
        """All of a publication; returns when it has ended."""
        return [event async for event in self.readers[publication]]

    async def stop(self) -> None:
        await self.server.stop()
        for encoder in self._encoders:
            await encoder.close()


@pytest.fixture
async def make_rig() -> AsyncIterator[Callable[..., Awaitable[Rig]]]:
    rigs = []

    async def make(**limits: int) -> Rig:
        rig = Rig(RtmpLimits(**limits))
        rigs.append(rig)
        await rig.server.start()
        return rig

    yield make
    for rig in rigs:
        await rig.stop()


@pytest.fixture
async def rig(make_rig: Callable[..., Awaitable[Rig]]) -> Rig:
    return await make_rig()
