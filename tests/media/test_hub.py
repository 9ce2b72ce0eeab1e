"""One publisher at a time, many readers: nobody waits, and a stream outlives its publisher."""

import asyncio

import pytest

from config.clock import ManualClock
from media.hub import (
    AlreadyPublishing,
    Event,
    Hub,
    PacketReceived,
    PacketsLost,
    PublisherArrived,
    PublisherLeft,
    Reader,
    Stream,
    StreamEnded,
    Takeover,
    Terms,
    TrackAnnounced,
)
from media.units import MediaKind, Packet, Track

VIDEO = Track(MediaKind.VIDEO, "avc1.64001f", 90_000, b"a")
SMALL = Track(MediaKind.VIDEO, "avc1.64001f", 90_000, b"small")
AUDIO = Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"b", channels=2, sample_rate=48_000)
WINDOW = Terms(window_ms=60_000)
NO_WINDOW = Terms(window_ms=0)
REJECT = Terms(takeover=Takeover.REJECT)
STANDBY = Terms(takeover=Takeover.STANDBY)


class Play:
    """A hub with a clock moved by hand, and what the first reader of its newest stream has got."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.hub = Hub(self._published, self.clock)
        self.streams: list[Stream] = []
        self._reader = Reader()

    def _published(self, stream: Stream) -> None:
        self.streams.append(stream)
        self._reader = stream.read()

    async def seen(self) -> list[object]:
        """Everything so far, in short: times of packets, other events as they are."""
        self._reader.push(StreamEnded("seen"))
        events = await everything(self._reader)
        short = [one.packet.dts if isinstance(one, PacketReceived) else one for one in events]
        return [one for one in short if one != StreamEnded("seen")]


def packet(dts: int, *, keyframe: bool = False) -> Packet:
    return Packet(dts, dts, 0, keyframe, b"x")


async def everything(reader: Reader) -> list[Event]:
    return [event async for event in reader]


def numbers(events: list[Event]) -> list[int]:
    return [event.packet.dts for event in events if isinstance(event, PacketReceived)]


async def test_every_reader_gets_everything_up_to_the_end() -> None:
    publication = Play().hub.publish("one")
    readers = [publication.stream.read(), publication.stream.read()]
    publication.announce(VIDEO)
    publication.announce(SMALL, 1)
    publication.write(MediaKind.VIDEO, packet(1, keyframe=True))
    publication.write(MediaKind.VIDEO, packet(2, keyframe=True), 1)
    publication.end("done")
    expected = [
        TrackAnnounced(VIDEO),
        TrackAnnounced(SMALL, 1),
        PacketReceived(MediaKind.VIDEO, packet(1, keyframe=True)),
        PacketReceived(MediaKind.VIDEO, packet(2, keyframe=True), 1),
        StreamEnded("done"),
    ]
    for reader in readers:
        assert await everything(reader) == expected


async def test_who_joins_late_is_told_the_tracks() -> None:
    publication = Play().hub.publish("one")
    publication.announce(VIDEO)
    publication.announce(AUDIO)
    publication.announce(VIDEO)  # said again: nothing new
    publication.announce(SMALL, 1)
    reader = publication.stream.read()
    publication.end("done")
    assert await everything(reader) == [
        TrackAnnounced(VIDEO),
        TrackAnnounced(AUDIO),
        TrackAnnounced(SMALL, 1),
        StreamEnded("done"),
    ]


async def test_a_reader_waits_for_what_is_not_there_yet() -> None:
    publication = Play().hub.publish("one")
    reading = asyncio.ensure_future(everything(publication.stream.read()))
    await asyncio.sleep(0)
    publication.write(MediaKind.VIDEO, packet(1))
    await asyncio.sleep(0)
    publication.end("done")
    async with asyncio.timeout(30):
        assert numbers(await reading) == [1]


async def test_a_slow_reader_skips_to_a_keyframe_and_loses_no_announcement() -> None:
    reader = Reader(packets_max=3)
    for number in (2, 1):
        reader.push(TrackAnnounced(VIDEO, number))
    for dts in range(5):
        reader.push(PacketReceived(MediaKind.VIDEO, packet(dts, keyframe=dts == 0), 1))
    reader.push(TrackAnnounced(AUDIO))
    events = aiter(reader)
    taken = [await anext(events) for _ in range(6)]
    assert numbers(taken) == [0, 1, 2]
    assert taken[5] == TrackAnnounced(AUDIO)
    # There is room again, but the picture can only go on at a keyframe of the default track.
    reader.push(PacketReceived(MediaKind.VIDEO, packet(5), 1))
    reader.push(PacketReceived(MediaKind.AUDIO, packet(6)))
    reader.push(PacketReceived(MediaKind.VIDEO, packet(6, keyframe=True), 2))
    reader.push(PacketReceived(MediaKind.VIDEO, packet(7, keyframe=True), 1))
    reader.push(PacketReceived(MediaKind.AUDIO, packet(8)))
    reader.push(StreamEnded("done"))
    rest = [event async for event in events]
    assert rest[0] == PacketsLost()
    assert numbers(rest) == [7, 8]
    assert reader.dropped == 5


async def test_a_slow_reader_of_sound_goes_on_as_soon_as_there_is_room() -> None:
    reader = Reader(packets_max=1)
    reader.push(TrackAnnounced(AUDIO))
    for dts in range(2):
        reader.push(PacketReceived(MediaKind.AUDIO, packet(dts)))
    events = aiter(reader)
    taken = [await anext(events) for _ in range(2)]
    reader.push(PacketReceived(MediaKind.AUDIO, packet(2)))
    assert await anext(events) == PacketsLost()
    assert numbers([*taken, await anext(events)]) == [0, 2]


def test_after_its_end_a_name_is_free() -> None:
    play = Play()
    first = play.hub.publish("one")
    assert play.streams == [first.stream]
    assert play.hub.names() == ["one"]
    assert play.hub.get("one") is first.stream
    first.end("done")
    first.end("again")
    assert play.hub.names() == []
    second = play.hub.publish("one")
    first.end("late")
    first.leave("late")
    assert play.hub.get("one") is second.stream
    assert play.hub.get("two") is None


async def test_a_publisher_that_returns_in_time_goes_on_with_its_stream() -> None:
    play = Play()
    before = play.hub.publish("one", WINDOW)
    before.announce(VIDEO)
    before.write(MediaKind.VIDEO, packet(1, keyframe=True))
    before.leave("link lost")
    before.write(MediaKind.VIDEO, packet(2))
    play.clock.advance(59_999)
    play.hub.expire()
    assert before.stream.reconnect_ms_left() == 1

    after = play.hub.publish("one", WINDOW)
    after.announce(VIDEO)
    after.announce(VIDEO)
    after.write(MediaKind.VIDEO, packet(3, keyframe=True))
    play.clock.advance(60_000)
    play.hub.expire()
    before.end("late")

    assert play.streams == [after.stream]
    assert after.stream.reconnect_ms_left() is None
    assert await play.seen() == [
        TrackAnnounced(VIDEO),
        1,
        PublisherLeft("link lost"),
        PublisherArrived(),
        TrackAnnounced(VIDEO),
        3,
    ]


async def test_when_its_window_is_over_a_stream_ends() -> None:
    play = Play()
    play.hub.publish("one", WINDOW).leave("link lost")
    play.clock.advance(60_000)
    play.hub.expire()
    assert play.hub.names() == []
    left, ended = await play.seen()
    assert left == PublisherLeft("link lost")
    assert ended == StreamEnded("the publisher did not come back")


async def test_without_a_window_a_stream_ends_with_its_connection() -> None:
    play = Play()
    play.hub.publish("one", NO_WINDOW).leave("link lost")
    assert play.hub.names() == []
    assert await play.seen() == [StreamEnded("link lost")]


async def test_when_the_server_stops_every_stream_ends() -> None:
    play = Play()
    play.hub.publish("one", WINDOW).leave("link lost")
    active = play.hub.publish("two")
    play.hub.end_all("server stops")
    assert play.hub.names() == []
    assert not active.is_active
    assert await play.seen() == [StreamEnded("server stops")]


async def test_a_second_publisher_may_be_rejected() -> None:
    play = Play()
    first = play.hub.publish("one", REJECT)
    with pytest.raises(AlreadyPublishing):
        play.hub.publish("one", REJECT)
    assert first.is_active
    first.leave("link lost")
    assert play.hub.publish("one", REJECT).is_active


async def test_a_second_publisher_may_replace_the_first() -> None:
    play = Play()
    reasons: list[str] = []
    first = play.hub.publish("one", replaced=reasons.append)
    first.announce(VIDEO)
    second = play.hub.publish("one")
    second.announce(AUDIO)
    first.write(MediaKind.VIDEO, packet(1, keyframe=True))
    first.announce(SMALL)
    first.leave("sent away")
    second.write(MediaKind.AUDIO, packet(2))
    assert reasons == ["another publisher took over"]
    assert (first.is_active, second.is_active) == (False, True)
    assert await play.seen() == [
        TrackAnnounced(VIDEO),
        PublisherArrived(),
        TrackAnnounced(AUDIO),
        2,
    ]


async def test_a_standby_takes_over_at_its_next_keyframe_after_the_first_one_left() -> None:
    play = Play()
    first = play.hub.publish("one", STANDBY)
    first.announce(VIDEO)
    second = play.hub.publish("one", STANDBY)
    with pytest.raises(AlreadyPublishing):
        play.hub.publish("one", STANDBY)
    second.announce(VIDEO)
    second.announce(AUDIO)
    second.write(MediaKind.VIDEO, packet(1, keyframe=True))
    first.write(MediaKind.VIDEO, packet(2, keyframe=True))
    first.end("done")
    play.clock.advance(600_000)
    play.hub.expire()  # whoever has a standby needs no window
    second.write(MediaKind.VIDEO, packet(3))
    second.write(MediaKind.AUDIO, packet(4, keyframe=True))
    second.write(MediaKind.VIDEO, packet(5, keyframe=True), 1)
    second.write(MediaKind.VIDEO, packet(6, keyframe=True))
    second.write(MediaKind.AUDIO, packet(7, keyframe=True))
    assert await play.seen() == [
        TrackAnnounced(VIDEO),
        2,
        PublisherLeft("done"),
        PublisherArrived(),
        TrackAnnounced(VIDEO),
        TrackAnnounced(AUDIO),
        6,
        7,
    ]
    assert second.stream.reconnect_ms_left() is None


async def test_a_standby_takes_over_from_one_that_fell_silent_which_then_stands_by() -> None:
    play = Play()
    first, second = (play.hub.publish("one", STANDBY) for _ in range(2))
    for publication in (first, second):
        publication.announce(AUDIO)
    first.write(MediaKind.AUDIO, packet(1))
    play.clock.advance(1_000)
    second.write(MediaKind.AUDIO, packet(2))  # hears that the first one wrote
    play.clock.advance(1_999)
    second.write(MediaKind.AUDIO, packet(3))
    play.clock.advance(1)
    second.write(MediaKind.AUDIO, packet(4))
    first.write(MediaKind.AUDIO, packet(5))
    assert (first.is_active, second.is_active) == (False, True)
    second.leave("link lost")
    first.write(MediaKind.AUDIO, packet(6))
    assert await play.seen() == [
        TrackAnnounced(AUDIO),
        1,
        PublisherArrived(),
        TrackAnnounced(AUDIO),
        4,
        PublisherLeft("link lost"),
        PublisherArrived(),
        TrackAnnounced(AUDIO),
        6,
    ]


async def test_a_standby_that_goes_leaves_the_stream_as_it_is() -> None:
    play = Play()
    first, second = (play.hub.publish("one", STANDBY) for _ in range(2))
    second.end("done")
    assert first.is_active
    third = play.hub.publish("one", STANDBY)
    first.leave("link lost")
    third.leave("link lost too")
    assert play.hub.names() == ["one"]
    play.clock.advance(60_000)
    play.hub.expire()
    assert play.hub.names() == []
    first, second = (play.hub.publish("one", STANDBY) for _ in range(2))
    first.leave("link lost")
    second.end("done")
    assert play.hub.names() == []
