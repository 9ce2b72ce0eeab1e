"""One publisher, many readers: nobody waits, and who is slow skips to a keyframe."""

import asyncio

import pytest

from media.hub import (
    AlreadyPublishing,
    Event,
    Hub,
    PacketReceived,
    Reader,
    Stream,
    StreamEnded,
    TrackAnnounced,
)
from media.units import MediaKind, Packet, Track

VIDEO = Track(MediaKind.VIDEO, "avc1.64001f", 90_000, b"a")
AUDIO = Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"b", channels=2, sample_rate=48_000)


def packet(dts: int, *, keyframe: bool = False) -> Packet:
    return Packet(dts, dts, 0, keyframe, b"x")


def published() -> tuple[Hub, list[Stream]]:
    streams: list[Stream] = []
    return Hub(streams.append), streams


async def everything(reader: Reader) -> list[Event]:
    return [event async for event in reader]


def numbers(events: list[Event]) -> list[int]:
    return [event.packet.dts for event in events if isinstance(event, PacketReceived)]


async def test_every_reader_gets_everything_up_to_the_end() -> None:
    hub, _ = published()
    stream = hub.publish("one")
    readers = [stream.read(), stream.read()]
    stream.announce(VIDEO)
    stream.write(MediaKind.VIDEO, packet(1, keyframe=True))
    stream.end("done")
    expected = [
        TrackAnnounced(VIDEO),
        PacketReceived(MediaKind.VIDEO, packet(1, keyframe=True)),
        StreamEnded("done"),
    ]
    for reader in readers:
        assert await everything(reader) == expected


async def test_who_joins_late_is_told_the_tracks() -> None:
    hub, _ = published()
    stream = hub.publish("one")
    stream.announce(VIDEO)
    stream.announce(AUDIO)
    stream.announce(VIDEO)  # said again: nothing new
    reader = stream.read()
    stream.end("done")
    assert await everything(reader) == [
        TrackAnnounced(VIDEO),
        TrackAnnounced(AUDIO),
        StreamEnded("done"),
    ]


async def test_a_reader_waits_for_what_is_not_there_yet() -> None:
    hub, _ = published()
    stream = hub.publish("one")
    reading = asyncio.ensure_future(everything(stream.read()))
    await asyncio.sleep(0)
    stream.write(MediaKind.VIDEO, packet(1))
    await asyncio.sleep(0)
    stream.end("done")
    async with asyncio.timeout(5):
        assert numbers(await reading) == [1]


async def test_a_slow_reader_skips_to_a_keyframe_and_loses_no_announcement() -> None:
    reader = Reader(packets_max=3)
    for dts in range(5):
        reader.push(PacketReceived(MediaKind.VIDEO, packet(dts, keyframe=dts == 0)))
    reader.push(TrackAnnounced(AUDIO))
    events = aiter(reader)
    taken = [await anext(events) for _ in range(4)]
    assert numbers(taken) == [0, 1, 2]
    assert taken[3] == TrackAnnounced(AUDIO)
    # There is room again, but the picture can only go on at a keyframe.
    reader.push(PacketReceived(MediaKind.VIDEO, packet(5)))
    reader.push(PacketReceived(MediaKind.AUDIO, packet(6)))
    reader.push(PacketReceived(MediaKind.VIDEO, packet(7, keyframe=True)))
    reader.push(PacketReceived(MediaKind.AUDIO, packet(8)))
    reader.push(StreamEnded("done"))
    assert numbers([event async for event in events]) == [7, 8]
    assert reader.dropped == 4


def test_a_name_has_one_publisher_at_a_time() -> None:
    hub, streams = published()
    first = hub.publish("one")
    assert streams == [first]
    with pytest.raises(AlreadyPublishing):
        hub.publish("one")
    assert hub.names() == ["one"]
    assert hub.get("one") is first
    first.end("done")
    first.end("again")
    second = hub.publish("one")
    first.end("late")
    assert hub.get("one") is second
    assert hub.get("two") is None
