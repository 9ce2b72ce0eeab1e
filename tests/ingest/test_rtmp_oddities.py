"""Publishers that do odd or hostile things on real sockets, and others beside them."""

import asyncio

import pytest

from media.hub import PacketReceived
from media.wire.amf0 import EcmaArray, encode
from media.wire.flv import AudioConfiguration, write_audio
from media.wire.rtmp_chunk import AUDIO
from media.wire.rtmp_event import PublishAccepted
from media.wire.rtmp_handshake import NONCE_BYTES
from media.wire.rtmp_link import Link
from media.wire.rtmp_message import (
    Audio,
    Command,
    Data,
    SetChunkSize,
    Typed,
)
from tests.ingest.encoder import Encoder
from tests.ingest.footage import Footage
from tests.ingest.rig import Rig

CONNECT = Command(0, "connect", 1, [{"app": "live"}])
PUBLISH = Command(1, "publish", 2, [None, "right", "live"])


class Stranger:
    """A client's end of the link, which says what it is told to, on any chunk stream."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._link = Link(is_client=True, nonce=bytes(NONCE_BYTES))

    async def shake_hands(self) -> "Stranger":
        answer = await self._encoder.exchange_raw(self._link.data_to_send(), 3073)
        self._link.receive(answer)
        await self.writes(self._link.data_to_send())
        return self

    async def says(self, *messages: Typed, chunk_stream: int = 3) -> None:
        for message in messages:
            self._link.send(message, chunk_stream)
        await self.writes(self._link.data_to_send())

    async def writes(self, data: bytes) -> None:
        await self._encoder.exchange_raw(data, 0)

    async def is_accepted(self) -> None:
        await self._encoder.read_until(b"NetStream.Publish.Start")

    async def closed(self) -> None:
        await self._encoder.closed()


async def stranger(rig: Rig) -> Stranger:
    return await Stranger(await rig.stranger()).shake_hands()


async def packets(rig: Rig) -> list[bytes]:
    """Of the first publication, when it has ended."""
    async with asyncio.timeout(20):
        events = await rig.events()
    return [event.packet.data for event in events if isinstance(event, PacketReceived)]


async def test_a_publisher_with_every_oddity_is_understood(rig: Rig, footage: Footage) -> None:
    """Wide chunk stream ids, small chunks, AMF3, no transactions, aggregates, unknown things."""
    odd = await stranger(rig)
    frames = [write_audio(frame) for _, frame in footage.audio[:6]]
    connect = encode("connect", 1.0) + b"\x11\x0a\x0b\x01\x07app\x06\x09live\x01"
    # Type 17: an AMF3 command, whose object is AMF3 indeed; on a chunk stream of three bytes.
    length = (len(connect) + 1).to_bytes(3, "big")
    header = b"\x01\x00\x01" + b"\0\0\0" + length + b"\x11\0\0\0\0"
    await odd.writes(header + b"\0" + connect)
    await odd.says(
        Command(0, "_checkbw", 0, [None]),
        Command(0, "releaseStream", 0, [None, "right"]),
        PUBLISH,
        chunk_stream=65_599,
    )
    await odd.is_accepted()
    await odd.says(SetChunkSize(128), chunk_stream=2)
    await odd.says(
        Data(0, 1, []),
        Data(0, 1, ["@setDataFrame", "onMetaData", EcmaArray({"encoder": "odd"})]),
        Audio(0, 1, write_audio(AudioConfiguration(footage.config))),
        Audio(0, 1, b""),
        Audio(0, 1, frames[0]),
        chunk_stream=64,
    )
    # librtmp's ping answer: a fresh chunk stream that begins with a type 1 chunk.
    await odd.writes(b"\x4a\0\0\0\0\0\6\4\0\7abcd")
    # An unknown message type, and an aggregate of two frames.
    await odd.writes(b"\x0b\0\0\0\0\0\2\x63\1\0\0\0ab")
    await odd.writes(aggregate(frames[1:3], 21))
    await odd.says(
        *(Audio(64 + 21 * n, 1, frame) for n, frame in enumerate(frames[3:])), chunk_stream=65_599
    )
    await odd.says(Command(0, "deleteStream", 0, [None, "right"]))

    assert await packets(rig) == [frame.data for _, frame in footage.audio[:6]]


def aggregate(bodies: list[bytes], time: int) -> bytes:
    """As one chunk message on chunk stream 12, cut into chunks of 128 bytes."""
    tags = b"".join(
        bytes((AUDIO,))
        + len(body).to_bytes(3, "big")
        + (time + 21 * n).to_bytes(3, "big")
        + bytes(4)
        + body
        + (len(body) + 11).to_bytes(4, "big")
        for n, body in enumerate(bodies)
    )
    pieces = [tags[at : at + 128] for at in range(0, len(tags), 128)]
    header = b"\x0c" + time.to_bytes(3, "big") + len(tags).to_bytes(3, "big") + b"\x16\1\0\0\0"
    return header + b"\xcc".join(pieces)


@pytest.mark.parametrize(
    ("piece", "is_publishing"),
    [
        (b"\x43\0\0\0\0\0\6\4\0\6ping", False),
        (b"\x44\0\0\0\0\0\0\x08", False),
        (b"\x44\0\0\0\0\0\0\x08", True),
    ],
    ids=["pings", "media without a publication", "media"],
)
async def test_a_peer_that_sends_tiny_messages_without_end_is_cut_and_others_go_on(
    rig: Rig, footage: Footage, piece: bytes, *, is_publishing: bool
) -> None:
    other = await rig.encoder("right")
    assert await other.answer() == PublishAccepted()
    flood = await stranger(rig)
    await flood.says(CONNECT)
    if is_publishing:
        await flood.says(Command(1, "publish", 2, [None, "right-other", "live"]))
        await flood.is_accepted()
    await flood.says(Audio(0, 1, b""), chunk_stream=4)

    await flood.writes(piece * 30_000)

    await flood.closed()
    other.send(footage)
    other.core.end_publish()
    other.flush()
    assert len(await packets(rig)) == 50 + len(footage.audio)
