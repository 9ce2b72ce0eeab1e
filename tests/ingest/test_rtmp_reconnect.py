"""A server that stops sends its publishers to its successor."""

import asyncio
import itertools

import pytest

from config.clock import SystemClock
from config.tasks import spawn
from ingest.rtmp_server import RtmpLimits
from media.hub import PacketReceived, PublisherLeft, Reader
from media.wire.rtmp_event import PublishAccepted, ReconnectRequested
from tests.ingest.encoder import Encoder
from tests.ingest.footage import Footage
from tests.ingest.pusher import CAPABILITIES, Pusher
from tests.ingest.rig import Rig

TICKS_PER_MS = 90


async def times(reader: Reader) -> list[int]:
    """Of the pictures until the publisher leaves or ends."""
    result = []
    async for event in reader:
        if isinstance(event, PublisherLeft):
            break
        if isinstance(event, PacketReceived):
            result.append(event.packet.dts // TICKS_PER_MS)
    return result


async def test_a_rolling_restart_loses_no_frame(footage: Footage) -> None:
    """Goal: what both servers got is everything, in order, and nothing twice.

    Method: the successor listens on the same port as soon as the old server drains.
    """
    old = Rig(RtmpLimits(), SystemClock())
    await old.server.start()
    pusher = Pusher(old.port, footage)
    pushing = spawn(pusher.run(), name="pusher")
    await old.was_published.wait()
    before = spawn(times(old.readers[0]), name="before")
    draining = spawn(old.server.drain(10), name="drain")
    await asyncio.sleep(0)  # its first step
    assert not old.server.listening
    new = Rig(RtmpLimits(), SystemClock(), port=old.port)
    await new.server.start()

    await draining
    await old.stop()
    await new.was_published.wait()
    after = await times(new.readers[0])
    await pushing

    assert await before + after == pusher.sent
    assert after
    assert all(one < two for one, two in itertools.pairwise(pusher.sent))
    await new.stop()


async def test_a_drain_waits_for_those_who_can_move_and_not_for_others(rig: Rig) -> None:
    others = [await rig.encoder("right-old"), await rig.encoder("wrong")]
    assert await others[0].answer() == PublishAccepted()

    await rig.server.drain(1_000)

    with pytest.raises(ConnectionRefusedError):
        await rig.encoder()
    assert rig.hub.names() == ["old"]


async def test_a_publisher_that_is_let_in_during_a_drain_is_sent_on_at_once(rig: Rig) -> None:
    rig.keys.opened.clear()
    encoder = await Encoder.connect(rig.port, "right", CAPABILITIES)
    rig.keep(encoder)
    answers = spawn(encoder.answers(2), name="answers")
    await rig.keys.was_asked.wait()
    await rig.server.drain(0)

    rig.keys.opened.set()

    accepted, asked = await answers
    assert accepted == PublishAccepted()
    assert asked == ReconnectRequested(None, "this server stops, please reconnect")


async def test_a_publisher_that_does_not_move_is_waited_for_no_longer(rig: Rig) -> None:
    encoder = await Encoder.connect(rig.port, "right", CAPABILITIES)
    rig.keep(encoder)
    await encoder.answer()

    await rig.server.drain(0.05)

    assert isinstance(await encoder.answer(), ReconnectRequested)
    await rig.server.stop()
    assert await times(rig.readers[0]) == []
