"""Small reads of a busy publisher are merged, and nothing ever waits for what does not come."""

import asyncio
import socket
import sys

import pytest

from config.clock import SystemClock
from config.limits import RTMP_READ_BYTES_MIN
from config.tasks import cancel, spawn
from ingest.merged_reads import MergedReads
from ingest.rtmp_server import RtmpLimits
from media.hub import PacketReceived
from media.wire.flv import AudioConfiguration, AudioFrame, write_audio
from tests.ingest.encoder import Encoder
from tests.ingest.footage import Footage
from tests.ingest.rig import Rig

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux merges reads")


class RecordingSocket:
    def __init__(self) -> None:
        self.marks: list[int] = []

    def setsockopt(self, level: int, name: int, value: int) -> None:
        assert (level, name) == (socket.SOL_SOCKET, socket.SO_RCVLOWAT)
        self.marks.append(value)


def test_reads_are_merged_while_something_comes_and_only_then() -> None:
    recorded = RecordingSocket()
    reads = MergedReads(recorded)

    for received in (100, 200, 200, 200, 300):
        reads.look(received)
    reads.stop()
    reads.stop()

    assert recorded.marks == [RTMP_READ_BYTES_MIN, 1, RTMP_READ_BYTES_MIN, 1]


def test_without_a_socket_and_with_a_closed_one_nothing_happens() -> None:
    closed = socket.socket()
    closed.close()
    for of in (None, closed):
        MergedReads(of).look(1)


async def test_the_last_small_message_of_a_publisher_that_pauses_is_read(footage: Footage) -> None:
    """Method: sound alone, until reads are merged; then one frame that nothing follows."""
    rig = Rig(RtmpLimits(), SystemClock())
    await rig.server.start()
    encoder = await rig.encoder()
    await encoder.answer()
    encoder.core.send_audio(0, write_audio(AudioConfiguration(footage.config)))
    reading = aiter(rig.readers[0])
    sending = spawn(send_sound(encoder), name="sound")
    for _ in range(200):
        await anext(reading)
    await cancel(sending)

    encoder.core.send_audio(9_000, write_audio(AudioFrame(b"the last one")))
    encoder.flush()

    async with asyncio.timeout(30):
        while True:
            event = await anext(reading)
            if isinstance(event, PacketReceived) and event.packet.data == b"the last one":
                break
    await rig.stop()


async def send_sound(encoder: Encoder) -> None:
    """A small frame every few milliseconds."""
    for number in range(10_000):
        encoder.core.send_audio(number, write_audio(AudioFrame(b"x" * 100)))
        encoder.flush()
        await asyncio.sleep(0.005)
