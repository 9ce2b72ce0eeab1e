"""The RTMP server on real sockets, with our own client core as the encoder."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest
import structlog
import uvloop

from config.clock import SystemClock
from config.limits import (
    RTMP_HANDSHAKE_MS_MAX,
    RTMP_IDLE_MS_MAX,
    RTMP_REFUSED_MS_MAX,
    RTMP_SILENCE_MS_MAX,
)
from config.tasks import spawn
from ingest.admission import Admitted, PublishRequest
from ingest.publisher_status import Role
from ingest.rtmp_server import RtmpLimits
from media.hub import (
    PacketReceived,
    PublisherArrived,
    PublisherLeft,
    StreamEnded,
    Takeover,
    Terms,
    TrackAnnounced,
)
from media.units import MediaKind
from media.wire.flv import AudioConfiguration, write_audio
from media.wire.rtmp_event import PublishAccepted, PublishRefused
from media.wire.rtmp_handshake import NONCE_BYTES
from media.wire.rtmp_link import Link
from media.wire.rtmp_message import Audio, Command, ControlEvent, UserControl
from tests.ingest.encoder import Encoder
from tests.ingest.footage import Footage
from tests.ingest.rig import Rig

HELLO = b"\3" + bytes(1536)

MakeRig = Callable[..., Awaitable[Rig]]


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_publication_arrives_in_the_hub_and_ends_there(
    loop_factory: Callable[[], asyncio.AbstractEventLoop], footage: Footage
) -> None:
    async def publish() -> None:
        rig = Rig(RtmpLimits(refusal_ms=1))
        await rig.server.start()
        encoder = await rig.encoder("right?token=1")
        assert await encoder.answer() == PublishAccepted()
        encoder.send(footage)
        encoder.core.end_publish()
        encoder.flush()

        *events, end = await rig.events()

        assert end == StreamEnded("ended by the publisher")
        packets = [event for event in events if isinstance(event, PacketReceived)]
        video = [event.packet for event in packets if event.kind is MediaKind.VIDEO]
        assert len(video) == 50
        assert len(packets) == 50 + len(footage.audio)
        assert all(one.dts < two.dts for one, two in itertools.pairwise(video))
        assert rig.keys.asked == [
            PublishRequest("live", "right?token=1", "127.0.0.1", "rtmp://127.0.0.1/live")
        ]
        await rig.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(publish())


async def test_a_wrong_key_is_refused_with_a_reason_and_logged_without_the_key(rig: Rig) -> None:
    with structlog.testing.capture_logs() as logs:
        encoder = await rig.encoder("secret-but-wrong")

        refused = await encoder.answer()
        await encoder.close()
        await rig.server.stop()

    assert refused == PublishRefused("NetStream.Publish.Denied", "unknown stream key")
    assert rig.hub.names() == []
    (end,) = [line for line in logs if line["event"] == "rtmp connection ended"]
    assert end["reason"] == "refused: unknown stream key"
    assert "secret-but-wrong" not in str(logs)


async def test_a_publisher_that_cannot_be_checked_in_time_may_try_again(rig: Rig) -> None:
    refused = await (await rig.encoder("slow")).answer()

    assert isinstance(refused, PublishRefused)
    assert "try again" in refused.description
    assert await (await rig.encoder()).answer() == PublishAccepted()


async def test_a_source_may_take_one_publisher_at_a_time(rig: Rig) -> None:
    rig.keys.admitted = Admitted("src_1", Terms(takeover=Takeover.REJECT))
    first, second = await rig.encoder(), await rig.encoder()
    assert await first.answer() == PublishAccepted()

    refused = await second.answer()

    assert isinstance(refused, PublishRefused)
    assert refused.description == "this stream is already being published"
    first.core.end_publish()
    first.flush()
    await rig.events()
    third = await rig.encoder()
    assert await third.answer() == PublishAccepted()


async def test_a_publisher_that_is_replaced_gives_up_and_the_stream_goes_on(rig: Rig) -> None:
    """BadName is what OBS gives up for; of a lost connection it would take the stream back."""
    first, second = await rig.encoder(), await rig.encoder()
    assert await first.answer() == PublishAccepted()
    assert await second.answer() == PublishAccepted()

    told = await first.answer()

    assert told == PublishRefused("NetStream.Publish.BadName", "another publisher took over")
    assert await anext(aiter(rig.readers[0])) == PublisherArrived()
    rig.clock.advance(RTMP_REFUSED_MS_MAX + 1)
    await first.closed()
    assert len(rig.readers) == 1
    assert rig.hub.names() == ["src_1"]


async def test_a_publisher_that_breaks_off_may_come_back_for_a_while(rig: Rig) -> None:
    encoder = await rig.encoder()
    await encoder.answer()

    encoder.abort()

    reading = aiter(rig.readers[0])
    assert isinstance(await anext(reading), PublisherLeft)
    again = await rig.encoder()
    assert await again.answer() == PublishAccepted()
    assert await anext(reading) == PublisherArrived()
    again.abort()
    assert isinstance(await anext(reading), PublisherLeft)
    rig.clock.advance(Terms().window_ms)
    assert await anext(reading) == StreamEnded("the publisher did not come back")


async def test_a_publisher_whose_key_was_revoked_is_sent_away_and_another_may_go_on(
    rig: Rig,
) -> None:
    rig.keys.admitted = Admitted("src_1", key_id="key_1")
    encoder = await rig.encoder()
    await encoder.answer()

    for source_id, key_id in (("src_1", "key_2"), ("src_2", "key_1")):
        rig.server.dismiss(source_id, key_id, "revoked")
    assert len(rig.server.publishers("src_1")) == 1
    rig.server.dismiss("src_1", "key_1", "revoked")

    assert await encoder.answer() == PublishRefused("NetStream.Publish.Denied", "revoked")
    assert rig.server.publishers("src_1") == ()
    assert await anext(aiter(rig.readers[0])) == PublisherLeft("revoked")
    assert rig.hub.names() == ["src_1"]


async def test_who_publishes_to_a_source_can_be_asked(rig: Rig, footage: Footage) -> None:
    assert rig.server.publishers("src_1") == ()
    rig.keys.admitted = Admitted("src_1", Terms(takeover=Takeover.STANDBY))
    for encoder in (await rig.encoder(), await rig.encoder()):
        assert await encoder.answer() == PublishAccepted()

    rig.clock.advance(700)
    first, second = rig.server.publishers("src_1")

    assert (first.role, second.role) == (Role.ACTIVE, Role.STANDBY)
    assert (first.address, first.client, first.secure) == ("127.0.0.1", "FMLE/3.0", False)
    assert first.connected_ms == 700
    assert rig.server.publishers("src_2") == ()


async def test_a_publisher_is_let_in_for_a_while_only(rig: Rig) -> None:
    rig.keys.admitted = Admitted("src_1", ends_ms=rig.clock.wall_ms() + 1_000)
    encoder = await rig.encoder()
    assert await encoder.answer() == PublishAccepted()

    rig.clock.advance(1_000)

    told = await encoder.answer()
    assert isinstance(told, PublishRefused)
    assert (told.code, "is over" in told.description) == ("NetStream.Publish.Denied", True)
    assert await rig.events() == [StreamEnded(told.description)]


async def test_a_publisher_that_sends_more_than_it_may_is_told_so(
    rig: Rig, footage: Footage
) -> None:
    rig.keys.admitted = Admitted("src_1", bitrate_max=1_000)
    encoder = await rig.encoder()
    assert await encoder.answer() == PublishAccepted()

    encoder.send(footage)

    told = await encoder.answer()
    assert isinstance(told, PublishRefused)
    assert told.description == "more than 1 kbit/s came in, set a lower bitrate"
    assert (await rig.events())[-1] == StreamEnded(told.description)


async def test_all_refusals_come_after_the_same_time() -> None:
    """Method: two refusals of which one takes long to decide, one beside the other; a moment in
    which the machine stands still is between the answers of one pair at the most.
    """
    rig = Rig(RtmpLimits(refusal_ms=600), SystemClock())
    await rig.server.start()
    names = ("wrong", "wrong-and-slow") * 3
    encoders = [await rig.encoder(name) for name in names]
    loop = asyncio.get_running_loop()

    async def time_s(encoder: Encoder) -> float:
        assert isinstance(await encoder.answer(), PublishRefused)
        return loop.time()

    times = await asyncio.gather(*map(time_s, encoders))

    await rig.stop()
    pairs = zip(times[::2], times[1::2], strict=True)
    assert min(abs(slow - quick) for quick, slow in pairs) < 0.2


async def test_nothing_is_answered_until_admission_has_decided(rig: Rig, footage: Footage) -> None:
    rig.keys.opened.clear()
    encoder = await rig.encoder()
    answer = spawn(encoder.answer(), name="answer")
    await rig.keys.was_asked.wait()
    assert not answer.done()

    rig.keys.opened.set()

    assert await answer == PublishAccepted()


async def test_media_that_comes_before_the_answer_is_not_lost(rig: Rig, footage: Footage) -> None:
    """Method: a client that does not wait, so that `publish` and media arrive in one read."""
    link = Link(is_client=True, nonce=bytes(NONCE_BYTES))
    stranger = await rig.stranger()
    link.receive(await stranger.exchange_raw(link.data_to_send(), 3073))
    link.send(Command(0, "connect", 1, [{"app": "live"}]), 3)
    link.send(Command(1, "publish", 2, [None, "right", "live"]), 3)
    link.send(Audio(0, 1, write_audio(AudioConfiguration(footage.config))), 4)
    for time, frame in footage.audio:
        link.send(Audio(time, 1, write_audio(frame)), 4)
    await stranger.exchange_raw(link.data_to_send(), 0)
    await stranger.read_until(b"NetStream.Publish.Start")

    reading = aiter(rig.readers[0])
    assert isinstance(await anext(reading), TrackAnnounced)
    for _ in footage.audio:
        assert isinstance(await anext(reading), PacketReceived)


async def test_a_publisher_whose_server_stops_before_it_is_let_in_leaves_nothing(rig: Rig) -> None:
    rig.keys.opened.clear()
    encoder = await rig.encoder()
    answer = spawn(_failure(encoder), name="answer")
    await rig.keys.was_asked.wait()

    await rig.server.stop()

    await answer
    assert rig.hub.names() == []
    assert rig.readers == []


async def _failure(encoder: Encoder) -> None:
    with pytest.raises(ConnectionError):
        await encoder.answer()


@pytest.mark.parametrize(("greeting", "answer_bytes"), [(b"", 0), (b"\3", 0), (HELLO, 3073)])
async def test_a_connection_that_does_not_go_on_is_cut(
    rig: Rig, greeting: bytes, answer_bytes: int
) -> None:
    stranger = await rig.stranger()
    await stranger.exchange_raw(greeting, answer_bytes)

    rig.clock.advance(RTMP_HANDSHAKE_MS_MAX + 1)

    await stranger.closed()


async def test_a_connection_that_does_not_publish_is_cut(rig: Rig) -> None:
    link = Link(is_client=True, nonce=bytes(NONCE_BYTES))
    stranger = await rig.stranger()
    link.receive(await stranger.exchange_raw(link.data_to_send(), 3073))
    link.control(UserControl(ControlEvent.PING_REQUEST, bytes(4)))
    await stranger.exchange_raw(link.data_to_send(), 18)

    rig.clock.advance(RTMP_IDLE_MS_MAX + 1)

    await stranger.closed()


async def test_a_publisher_that_falls_silent_is_cut(rig: Rig, footage: Footage) -> None:
    encoder = await rig.encoder()
    await encoder.answer()
    rig.clock.advance(RTMP_SILENCE_MS_MAX)
    encoder.send(footage)
    reading = aiter(rig.readers[0])
    for _ in range(2 + len(footage.frames) + len(footage.audio)):
        assert not isinstance(await anext(reading), StreamEnded)

    rig.clock.advance(RTMP_SILENCE_MS_MAX + 1)

    assert await anext(reading) == PublisherLeft("publisher fell silent")


async def test_a_refused_publisher_that_stays_is_cut(rig: Rig) -> None:
    encoder = await rig.encoder("wrong")
    await encoder.answer()

    rig.clock.advance(RTMP_REFUSED_MS_MAX + 1)

    await encoder.closed()


async def test_200_half_open_connections_are_cut_while_others_publish(
    make_rig: MakeRig, footage: Footage
) -> None:
    rig = await make_rig(idle=20)
    encoder = await rig.encoder()
    assert await encoder.answer() == PublishAccepted()
    with structlog.testing.capture_logs() as logs:
        idle = [await rig.stranger() for _ in range(200)]
        await asyncio.gather(*(each.closed() for each in idle[:180]))

        newcomer = await rig.encoder("wrong")
        assert isinstance(await newcomer.answer(), PublishRefused)
        encoder.send(footage)
        encoder.core.end_publish()
        encoder.flush()
        events = await rig.events()
        rig.clock.advance(RTMP_HANDSHAKE_MS_MAX + 1)
        await asyncio.gather(*(each.closed() for each in idle))
        await rig.server.stop()

    assert sum(isinstance(event, PacketReceived) for event in events) == 50 + len(footage.audio)
    counts = [line["count"] for line in logs if line["event"] == "rtmp connections turned away"]
    assert sum(counts) == 181


@pytest.mark.parametrize("limits", [{"connections": 2}, {"per_address": 2}])
async def test_connections_beyond_the_limit_are_closed(
    make_rig: MakeRig, limits: dict[str, int]
) -> None:
    rig = await make_rig(**limits)
    kept = [await rig.encoder("right"), await rig.encoder("wrong")]
    answers = [await encoder.answer() for encoder in kept]

    surplus = await rig.encoder("right")

    await surplus.closed()
    assert isinstance(answers[0], PublishAccepted)
    assert isinstance(answers[1], PublishRefused)


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\3" + bytes(3072) + b"\xff" * 9])
async def test_what_is_not_rtmp_is_cut_at_once_and_others_go_on(rig: Rig, garbage: bytes) -> None:
    first = await rig.encoder()
    await first.answer()
    stranger = await rig.stranger()

    await stranger.exchange_raw(garbage, 0)

    await stranger.closed()
    assert rig.hub.names() == ["src_1"]


async def test_stopping_leaves_streams_and_ends_every_connection(rig: Rig) -> None:
    encoder = await rig.encoder()
    await encoder.answer()
    assert rig.server.listening

    await rig.server.stop()

    assert await anext(aiter(rig.readers[0])) == PublisherLeft("server stops")
    await encoder.closed()
