"""Herds and single attackers cost a real server little memory, and its publishers nothing."""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Iterator

import pytest

from config.tasks import cancel, spawn
from media.wire.amf0 import encode
from media.wire.flv import VideoConfiguration, write_video
from media.wire.rtmp_chunk import ChunkWriter, Message
from media.wire.rtmp_event import PublishAccepted
from media.wire.rtmp_message import Command, ControlEvent, UserControl, write_message
from tests.ingest.encoder import Encoder
from tests.ingest.footage import FRAME_MS, Footage
from tests.ingest.separate_server import separate_server

pytestmark = pytest.mark.process

MIB = 1 << 20
HERD = 1_500
# Twice ten seconds without a word, and a machine that is busy.
HERD_SECONDS_MAX = 60
HERD_BYTES_MAX = 60 * MIB
HOSTILE_BYTES_MAX = 16 * MIB
# Of an attack that the server takes nothing of, by which time it has cost what it can.
ATTACK_SECONDS_MAX = 2

HANDSHAKE = b"\3" + bytes(1536) + bytes(1536)
CONNECT = ChunkWriter().write(write_message(Command(0, "connect", 1, [{"app": "live"}])), 3)
DRIP = b"\3"
SILENT = (b"", b"\3" + bytes(700), HANDSHAKE, HANDSHAKE + CONNECT)


class Publishing:
    """An encoder that goes on in real time; `sent` counts its pictures."""

    def __init__(self, encoder: Encoder, footage: Footage) -> None:
        self._encoder = encoder
        self._footage = footage
        self.sent = 0

    async def run(self) -> None:
        self._encoder.core.send_video(0, write_video(VideoConfiguration(self._footage.record)))
        for _, frame in itertools.cycle(self._footage.frames):
            self._encoder.core.send_video(self.sent * FRAME_MS, write_video(frame))
            self._encoder.flush()
            self.sent += 1
            await asyncio.sleep(FRAME_MS / 1000)


async def test_a_herd_of_half_open_connections_is_shown_out_and_a_publisher_loses_nothing(
    footage: Footage,
) -> None:
    """Method: a fifth of the herd goes on byte by byte, the others stop at four points."""
    async with separate_server() as server:
        encoder = await Encoder.connect(server.port, "publisher")
        assert await encoder.answer() == PublishAccepted()
        publishing = Publishing(encoder, footage)
        running = spawn(publishing.run(), name="publisher")
        before = server.resident_bytes()
        server.forget_peak()

        herd = [await stranger(server.port) for _ in range(HERD)]
        for each, said in zip(herd, itertools.cycle((*SILENT, DRIP)), strict=False):
            each.send(said)
        dripping = spawn(drip(herd[len(SILENT) :: len(SILENT) + 1]), name="drip")
        async with asyncio.timeout(HERD_SECONDS_MAX):
            await asyncio.gather(*map(closed, herd))

        assert server.resident_bytes("VmHWM") - before < HERD_BYTES_MAX
        await cancel(dripping, running)
        encoder.core.end_publish()
        encoder.flush()
        assert await server.publication() == publishing.sent > 0
        await encoder.close()


async def stranger(port: int) -> socket.socket:
    """A connection whose bytes are ours to choose."""
    each = socket.socket()
    each.setblocking(False)
    await asyncio.get_running_loop().sock_connect(each, ("127.0.0.1", port))
    return each


async def drip(herd: list[socket.socket]) -> None:
    """Another byte of the handshake each second."""
    while True:
        await asyncio.sleep(1)
        for each in herd:
            with contextlib.suppress(OSError):
                each.send(b"x")


async def closed(each: socket.socket) -> None:
    """Until the server has closed it."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while await loop.sock_recv(each, 65_536):
            pass
    each.close()


def many_chunk_streams() -> Iterator[bytes]:
    """A message is begun on each of 65,000 chunk streams."""
    for chunk_stream in range(320, 65_600):
        identity = (chunk_stream - 64).to_bytes(2, "little")
        yield b"\1" + identity + b"\0\0\0\0\1\0\x09\1\0\0\0" + bytes(128)


def one_long_message() -> Iterator[bytes]:
    """One of 16 MiB."""
    yield b"\6\0\0\0\xff\xff\xff\x09\1\0\0\0"
    yield from itertools.repeat(bytes(MIB), 16)


def messages_without_an_end() -> Iterator[bytes]:
    """All but the last byte of the longest messages, on sixteen chunk streams."""
    yield chunk_size(4 * MIB - 1)
    for chunk_stream in range(3, 19):
        yield bytes((chunk_stream,)) + b"\0\0\0\x40\0\0\x09\1\0\0\0" + bytes(4 * MIB - 1)


def no_chunks() -> Iterator[bytes]:
    yield chunk_size(0)
    yield from itertools.repeat(bytes(MIB), 16)


def endless_chunks() -> Iterator[bytes]:
    yield chunk_size(1 << 31)
    yield from itertools.repeat(bytes(MIB), 16)


def small_chunks_without_an_end() -> Iterator[bytes]:
    """All but the last byte of the longest messages, in chunks of 128 bytes."""
    body = (bytes(128) + b"\xc3") * (4 * MIB // 128 - 1) + bytes(127)
    yield b"\3\0\0\0\x40\0\0\x09\1\0\0\0" + body
    yield b"\4\0\0\0\x40\0\0\x09\1\0\0\0" + body.replace(b"\xc3", b"\xc4")
    yield bytes(MIB)


def deep_values() -> Iterator[bytes]:
    """Commands of 64 KiB whose objects hold objects, arrays claim to be long, and texts repeat."""
    for value in (b"\x03\0\1a", b"\x0a\0\0\0\1", b"\x08\0\0\0\1\0\1a", b"\x0a\xff\xff\xff\xff"):
        body = (encode("connect", 1.0) + value * 64_000)[:64_000]
        yield ChunkWriter().write(Message(20, 0, 0, body), 3)


def values_by_reference() -> Iterator[bytes]:
    """AMF3 arrays of references to the array before, so that each has eight times as many."""
    arrays = b"".join(b"\x09\x11\1" + bytes((0x09, 2 * n)) * 8 for n in range(100))
    yield ChunkWriter().write(Message(17, 0, 0, b"\0" + b"\x11" + b"\x09\x81\x49\1" + arrays), 3)


def questions_without_end() -> Iterator[bytes]:
    """Pings and calls whose answers are never read."""
    call = ChunkWriter().write(write_message(Command(0, "hello", 2, [None])), 3)
    ping = ChunkWriter().write(write_message(UserControl(ControlEvent.PING_REQUEST, b"time")), 2)
    yield from itertools.repeat((call + ping) * 10_000, 64)


ATTACKS = (
    many_chunk_streams,
    one_long_message,
    messages_without_an_end,
    small_chunks_without_an_end,
    no_chunks,
    endless_chunks,
    deep_values,
    values_by_reference,
    questions_without_end,
)


async def test_a_hostile_connection_costs_16_mib_at_most() -> None:
    async with separate_server() as server:
        await attack(server.port, iter(()))  # what the first connection of all costs
        for each in ATTACKS:
            before = server.resident_bytes()
            server.forget_peak()
            await attack(server.port, each())
            cost = server.resident_bytes("VmHWM") - before
            assert cost < HOSTILE_BYTES_MAX, (each.__name__, cost)


async def attack(port: int, pieces: Iterator[bytes]) -> None:
    """Connect and send for as long as anything is taken, without reading."""
    loop, each = asyncio.get_running_loop(), await stranger(port)
    with contextlib.suppress(OSError):
        async with asyncio.timeout(ATTACK_SECONDS_MAX):
            for piece in itertools.chain((HANDSHAKE, CONNECT), pieces):
                await loop.sock_sendall(each, piece)
    each.close()


def chunk_size(size: int) -> bytes:
    """Announce it, whether it is allowed or not."""
    return b"\2\0\0\0\0\0\4\1\0\0\0\0" + size.to_bytes(4, "big")
