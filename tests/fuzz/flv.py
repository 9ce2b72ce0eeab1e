"""Bodies of media messages, legacy and enhanced, and what a publisher's stream becomes of them."""

import contextlib

from config.clock import ManualClock
from ingest.preflight import Preflight
from ingest.publisher import Counters, Publisher
from media.hub import Event, Hub, PacketReceived, Reader, TrackAnnounced
from media.wire.flv import (
    AudioSilence,
    Unsupported,
    VideoIdle,
    parse_audio,
    parse_video,
    write_audio,
    write_video,
)
from media.wire.fmp4_init import UnsupportedTrack, init_segment
from media.wire.rtmp_message import Audio, Video
from tests.fuzz.target import Target, pieces

_TIMESTAMP_STEP_MS = 21


def check_flv(data: bytes) -> None:
    """Each tag of a message, written on its own, is read as the same tag."""
    is_video, body = bool(data[:1] and data[0] & 1), data[1:]
    if is_video:
        for video in parse_video(body):
            if not isinstance(video, VideoIdle | Unsupported):
                assert parse_video(write_video(video)) == (video,)
    else:
        for audio in parse_audio(body):
            if not isinstance(audio, AudioSilence | Unsupported):
                assert parse_audio(write_audio(audio)) == (audio,)


def check_publisher(data: bytes) -> None:
    """Whatever messages come, packets are of tracks that were announced, and nothing is raised.

    An input is a number of messages: a byte that says which kind, and the body.
    """
    clock = ManualClock()
    readers: list[Reader] = []
    hub = Hub(lambda stream: readers.append(stream.read()), clock)
    preflight = Preflight(clock.monotonic_ms())
    publisher = Publisher(hub.publish("fuzz"), Counters(), preflight, clock)
    timestamp = 0
    for piece in pieces(data):
        mark, body = piece[:1], piece[1:]
        timestamp = (timestamp + _TIMESTAMP_STEP_MS) & 0xFFFFFFFF
        is_audio = bool(mark and mark[0] & 1)
        publisher.receive((Audio if is_audio else Video)(timestamp, 1, body))
        clock.advance(_TIMESTAMP_STEP_MS)
    preflight.report(clock.monotonic_ms())
    publisher.end("done")
    announced = set()
    for event in _drained(readers[0]):
        match event:
            case TrackAnnounced(track, number):
                assert track.coding
                announced.add((track.kind, number))
                with contextlib.suppress(UnsupportedTrack):
                    init_segment(track)
            case PacketReceived(kind, packet, number):
                assert (kind, number) in announced
                assert packet.data
            case _:
                pass


def _drained(reader: Reader) -> list[Event]:
    """All events of a stream that has ended; nothing waits, so no event loop is needed."""

    async def collect() -> list[Event]:
        return [event async for event in reader]

    try:
        collect().send(None)
    except StopIteration as done:
        events: list[Event] = done.value
        return events
    raise AssertionError("the stream has not ended")


TARGETS = (Target("flv", check_flv), Target("publisher", check_publisher))
