"""Publishes the time of day, drawn into pictures: `python -m scripts.bench.latency_publisher JSON`.

Pictures and sound go to all addresses at once. A line of JSON says when all of them publish; it
ends when it is terminated.
"""

import asyncio
import heapq
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from urllib.parse import urlsplit

import av
import numpy
from av.codec.context import Flags

from config.tasks import spawn
from media.wire.nal import annex_b_to_length_prefixed, avc_configuration_from_annex_b
from media.wire.rtmp_client import ClientConnection
from media.wire.rtmp_event import ClientEvent, PublishAccepted
from media.wire.rtmp_handshake import NONCE_BYTES

RATE = 30
GROUP = 2 * RATE
# The clock: 48 bits of milliseconds, the lowest first, in 4 rows of squares that survive encoding;
# in shares of a picture of 640x360, where the page looks for them.
BITS, COLUMNS = 48, 12
LEFT, TOP, SQUARE = 40, 16, 20
_REFERENCE_WIDTH = 640
_BLACK, _WHITE = 16, 235
_SAMPLE_RATE, _FRAME_SAMPLES = 48_000, 1024
# FLV, E.4.3.1 and E.4.2.1: AVC and AAC, each with its configuration and with a frame.
_KEY, _INTER, _AAC = 0x17, 0x27, 0xAF
_CONFIGURATION, _FRAME = 0, 1
_ANSWER_SECONDS_MAX = 10

type Plane = numpy.typing.NDArray[numpy.uint8]


@dataclass(frozen=True)
class Order:
    """Where to publish what: `urls` end with the name or key of a stream."""

    urls: list[str]
    width: int = 640
    height: int = 360


class Pictures:
    """An H.264 encoder without delay, and what it is given."""

    def __init__(self, width: int, height: int) -> None:
        self._encoder = _encoder(width, height)
        self._scale = width / _REFERENCE_WIDTH
        squares = numpy.random.default_rng(1).integers(60, 180, (-(-height // 8), -(-width // 8)))
        background = numpy.kron(squares, numpy.ones((8, 8))).astype(numpy.uint8)
        self._luma = background[:height, :width]
        self._chroma = numpy.full((height // 2, width), 128, dtype=numpy.uint8)

    @property
    def configuration(self) -> bytes:
        """The body of the message that comes first."""
        extradata = self._encoder.extradata
        assert extradata is not None
        record = avc_configuration_from_annex_b(extradata)
        return bytes([_KEY, _CONFIGURATION, 0, 0, 0]) + record

    def encode(self, index: int, clock_ms: int) -> bytes:
        """The body of a message with one picture."""
        luma = self._luma.copy()
        place = 4 * index % (luma.shape[1] - 40)
        luma[luma.shape[0] // 2 : luma.shape[0] * 3 // 4, place : place + 40] = 200
        self._draw(luma, clock_ms)
        frame = av.VideoFrame.from_ndarray(numpy.concatenate([luma, self._chroma]), "yuv420p")
        frame.pts = index
        (packet,) = self._encoder.encode(frame)
        head = bytes([_KEY if packet.is_keyframe else _INTER, _FRAME, 0, 0, 0])
        return head + annex_b_to_length_prefixed(bytes(packet))

    def _draw(self, luma: Plane, clock_ms: int) -> None:
        side = round(SQUARE * self._scale)
        left, top = round(LEFT * self._scale), round(TOP * self._scale)
        for bit in range(BITS):
            row, column = divmod(bit, COLUMNS)
            y, x = top + row * side, left + column * side
            luma[y : y + side, x : x + side] = _WHITE if clock_ms >> bit & 1 else _BLACK


def _encoder(width: int, height: int) -> av.VideoCodecContext:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(RATE), Fraction(1, RATE)
    encoder.flags |= Flags.global_header
    encoder.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "g": str(GROUP),
        "keyint_min": str(GROUP),
        "sc_threshold": "0",
        "crf": "23",
        "threads": "1",
    }
    encoder.open()
    return encoder


class Sound:
    """A quiet tone."""

    def __init__(self) -> None:
        encoder = av.CodecContext.create("aac", "w")
        assert isinstance(encoder, av.AudioCodecContext)
        encoder.sample_rate, encoder.layout, encoder.format = _SAMPLE_RATE, "stereo", "fltp"
        encoder.flags |= Flags.global_header
        encoder.open()
        self._encoder = encoder

    @property
    def configuration(self) -> bytes:
        extradata = self._encoder.extradata
        assert extradata is not None
        return bytes([_AAC, _CONFIGURATION]) + extradata

    def encode(self, index: int) -> bytes | None:
        """The body of a message, of what was given before; None while there is nothing yet."""
        times = numpy.arange(index * _FRAME_SAMPLES, (index + 1) * _FRAME_SAMPLES) / _SAMPLE_RATE
        tone = (0.1 * numpy.sin(2 * numpy.pi * 440 * times)).astype(numpy.float32)
        frame = av.AudioFrame.from_ndarray(numpy.stack([tone, tone]), "fltp", "stereo")
        frame.sample_rate, frame.pts = _SAMPLE_RATE, index * _FRAME_SAMPLES
        packets = self._encoder.encode(frame)
        return bytes([_AAC, _FRAME]) + bytes(packets[0]) if packets else None


class Connection:
    """One publication."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        app, _, name = parts.path.removeprefix("/").rpartition("/")
        self._address = (parts.hostname or "127.0.0.1", parts.port or 1935)
        self._core = ClientConnection(
            bytes(NONCE_BYTES),
            app=app,
            url=f"rtmp://{parts.netloc}/{app}",
            stream_name=f"{name}?{parts.query}" if parts.query else name,
        )
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def open(self) -> None:
        """Up to the server's consent. Raises: ConnectionError."""
        self._reader, self._writer = await asyncio.open_connection(*self._address)
        self._flush()
        events: list[ClientEvent] = []
        async with asyncio.timeout(_ANSWER_SECONDS_MAX):
            while not events:
                events = await self._receive()
        if events != [PublishAccepted()]:
            raise ConnectionError(f"it was refused: {events}")
        self._listening = spawn(self._listen(), name="latency publisher")

    def send(self, time_ms: int, body: bytes, *, video: bool) -> None:
        if video:
            self._core.send_video(time_ms, body)
        else:
            self._core.send_audio(time_ms, body)
        self._flush()

    async def _listen(self) -> None:
        while True:
            await self._receive()

    async def _receive(self) -> list[ClientEvent]:
        data = await self._reader.read(65_536)
        if not data:
            raise ConnectionError("the server closed the connection")
        events = self._core.receive_data(data)
        self._flush()
        return events

    def _flush(self) -> None:
        self._writer.write(self._core.data_to_send())


def _schedule() -> Iterator[tuple[float, int, bool]]:
    """When, in seconds, which frame is due, and whether it is a picture."""
    pictures = ((index / RATE, index, True) for index in range(sys.maxsize))
    sound = ((index * _FRAME_SAMPLES / _SAMPLE_RATE, index, False) for index in range(sys.maxsize))
    return heapq.merge(pictures, sound)


async def publish(order: Order) -> None:
    """Until it is cancelled, or a server refuses."""
    pictures, sound = Pictures(order.width, order.height), Sound()
    connections = [Connection(url) for url in order.urls]
    for connection in connections:
        await connection.open()
        connection.send(0, pictures.configuration, video=True)
        connection.send(0, sound.configuration, video=False)
    print(json.dumps({"publishing": len(connections)}), flush=True)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for due, index, is_picture in _schedule():
        await asyncio.sleep(max(0, began + due - loop.time()))
        clock_ms = time.time_ns() // 1_000_000
        body = pictures.encode(index, clock_ms) if is_picture else sound.encode(index)
        for connection in connections:
            if body is not None:
                connection.send(round(due * 1000), body, video=is_picture)


if __name__ == "__main__":
    asyncio.run(publish(Order(**json.loads(sys.argv[1]))))
