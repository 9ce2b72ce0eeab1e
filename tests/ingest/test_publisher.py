import itertools
from dataclasses import replace

import av
import pytest

from config.clock import ManualClock
from ingest.preflight import Preflight
from ingest.publisher import Counters, Publisher
from media.hub import Event, Hub, PacketReceived, Reader, Stream, TrackAnnounced
from media.units import MediaKind, Packet, Track
from media.wire.amf0 import Value
from media.wire.flv import (
    AudioConfiguration,
    AudioFrame,
    VideoConfiguration,
    VideoEnded,
    VideoFrame,
    write_audio,
    write_video,
)
from media.wire.nal import parse_avc_configuration
from media.wire.rtmp_event import MetadataReceived
from media.wire.rtmp_message import Audio, Video
from tests.ingest.footage import Footage


class Bench:
    """A publisher on a stream whose events are kept."""

    def __init__(self) -> None:
        self._readers: list[Reader] = []
        self._hub = Hub(self._published, ManualClock())
        self.counters = Counters()
        clock = ManualClock()
        self.preflight = Preflight(0)
        publication = self._hub.publish("src_1")
        self.publisher = Publisher(publication, self.counters, self.preflight, clock)

    def _published(self, stream: Stream) -> None:
        self._readers.append(stream.read())

    def video(self, time: int, tag: VideoConfiguration | VideoFrame | VideoEnded) -> None:
        self.publisher.receive(Video(time, 1, write_video(tag)))

    def audio(self, time: int, tag: AudioConfiguration | AudioFrame) -> None:
        self.publisher.receive(Audio(time, 1, write_audio(tag)))

    async def events(self) -> list[Event]:
        self.publisher.end("test")
        return [event async for event in self._readers[0]][:-1]

    async def packets(self, kind: MediaKind) -> list[Packet]:
        events = await self.events()
        return [
            event.packet
            for event in events
            if isinstance(event, PacketReceived) and event.kind is kind
        ]

    async def tracks(self) -> list[Track]:
        return [event.track for event in await self.events() if isinstance(event, TrackAnnounced)]


async def test_video_becomes_packets_that_decode_to_every_frame(footage: Footage) -> None:
    bench = Bench()
    bench.video(0, VideoConfiguration(footage.record))
    for time, frame in footage.frames:
        bench.video(time, frame)

    packets = await bench.packets(MediaKind.VIDEO)

    assert all(one.dts < two.dts for one, two in itertools.pairwise(packets))
    assert [packet.dts for packet in packets] == [time * 90 for time, _ in footage.frames]
    assert sorted(packet.pts for packet in packets) == [3_600 * (i + 2) for i in range(50)]
    assert [i for i, packet in enumerate(packets) if packet.keyframe] == [0, 25]
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = footage.record
    decoded = sum(len(decoder.decode(av.Packet(packet.data))) for packet in packets)
    assert decoded + len(decoder.decode(None)) == 50
    assert bench.counters.video_packets == 50


async def test_audio_is_timed_in_samples(footage: Footage) -> None:
    bench = Bench()
    bench.audio(0, AudioConfiguration(footage.config))
    for time, frame in footage.audio[:3]:
        bench.audio(time, frame)

    packets = await bench.packets(MediaKind.AUDIO)

    assert [packet.dts for packet in packets] == [0, 21 * 48, 42 * 48]
    assert all(packet.pts == packet.dts and packet.duration == 0 for packet in packets)


async def test_tracks_are_announced_when_their_configuration_comes(footage: Footage) -> None:
    bench = Bench()
    bench.video(0, VideoConfiguration(footage.record))
    bench.audio(0, AudioConfiguration(footage.config))
    bench.video(0, VideoConfiguration(footage.record))

    video, audio = await bench.tracks()

    assert (video.width, video.height, video.frame_rate) == (320, 180, (25, 1))
    assert (audio.sample_rate, audio.channels, audio.codec) == (48_000, 2, "mp4a.40.2")


async def test_video_begins_with_a_keyframe(footage: Footage) -> None:
    bench = Bench()
    (_, keyframe), (_, other) = footage.frames[:2]
    bench.video(0, keyframe)  # no configuration yet
    bench.video(0, VideoConfiguration(footage.record))
    bench.video(40, other)
    bench.video(80, keyframe)
    bench.video(120, other)

    packets = await bench.packets(MediaKind.VIDEO)

    assert [packet.dts for packet in packets] == [80 * 90, 120 * 90]
    assert (bench.counters.skipped, bench.counters.skipped_last) == (2, "video before a keyframe")


async def test_a_frame_that_is_only_marked_as_keyframe_is_none(footage: Footage) -> None:
    """Goal: segments begin only where a decoder can begin; some encoders mark other pictures."""
    bench = Bench()
    bench.video(0, VideoConfiguration(footage.record))
    bench.video(40, replace(footage.frames[1][1], keyframe=True))

    assert await bench.packets(MediaKind.VIDEO) == []


async def test_after_the_end_of_a_sequence_a_keyframe_is_needed_again(footage: Footage) -> None:
    bench = Bench()
    bench.video(0, VideoConfiguration(footage.record))
    bench.video(0, footage.frames[0][1])
    bench.video(40, VideoEnded())
    bench.video(40, footage.frames[1][1])

    assert len(await bench.packets(MediaKind.VIDEO)) == 1


async def test_lengths_of_two_bytes_are_widened(footage: Footage) -> None:
    bench = Bench()
    record = bytearray(footage.record)
    record[4] = 0xFD
    bench.video(0, VideoConfiguration(bytes(record)))
    bench.video(0, VideoFrame(True, 0, b"\0\3\x65ab"))

    (announced, received) = await bench.events()

    assert isinstance(announced, TrackAnnounced)
    assert parse_avc_configuration(announced.track.extradata).length_size == 4
    assert isinstance(received, PacketReceived)
    assert received.packet.data == b"\0\0\0\3\x65ab"


async def test_negative_composition_times_are_kept(footage: Footage) -> None:
    bench = Bench()
    bench.video(0, VideoConfiguration(footage.record))
    bench.video(1_000, replace(footage.frames[0][1], composition_ms=-40))

    (packet,) = await bench.packets(MediaKind.VIDEO)

    assert (packet.dts, packet.pts) == (90_000, 86_400)


async def test_audio_and_video_wrap_together(footage: Footage) -> None:
    bench = Bench()
    bench.video(0xFFFFFFD8, VideoConfiguration(footage.record))
    bench.audio(0xFFFFFFD8, AudioConfiguration(footage.config))
    bench.video(0xFFFFFFD8, footage.frames[0][1])
    bench.audio(2, footage.audio[0][1])
    bench.video(0, footage.frames[1][1])
    bench.audio(0xFFFFFFFE, footage.audio[0][1])

    packets = [event.packet for event in await bench.events() if isinstance(event, PacketReceived)]

    end = 1 << 32
    assert [packet.dts for packet in packets] == [
        (end - 40) * 90,
        (end + 2) * 48,
        end * 90,
        (end - 2) * 48,
    ]


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (29.97, (30_000, 1001)),
        (23.976, (24_000, 1001)),
        (59.94005994, (60_000, 1001)),
        (30.0, (30, 1)),
        (12.5, (25, 2)),
        (0.0, (0, 1)),
        (float("nan"), (0, 1)),
        (1e9, (0, 1)),
        ("30", (0, 1)),
    ],
)
async def test_the_metadata_fills_in_a_frame_rate_that_the_video_does_not_say(
    rate: Value, expected: tuple[int, int]
) -> None:
    bench = Bench()
    bench.publisher.receive(MetadataReceived({"framerate": rate}))
    # 320x192, constrained baseline, no VUI.
    sps = bytes.fromhex("6742c00dda0a0c9000")
    pps = b"\x68\xce\x3c\x80"
    record = b"\1\x42\xc0\x0d\xff\xe1" + len(sps).to_bytes(2, "big") + sps + b"\1\0\4" + pps
    bench.video(0, VideoConfiguration(record))

    (track,) = await bench.tracks()

    assert track.frame_rate == expected


async def test_what_cannot_be_used_is_skipped_and_counted(footage: Footage) -> None:
    bench = Bench()
    bench.audio(0, AudioFrame(b"a"))
    bench.audio(0, AudioConfiguration(b"\xff"))
    bench.video(0, VideoConfiguration(b"broken"))
    bench.publisher.receive(Video(0, 1, b"\x90vvc1"))
    bench.publisher.receive(Audio(0, 1, b"\xaf"))
    bench.video(0, VideoConfiguration(footage.record))
    bench.video(0, VideoFrame(True, 0, b"\0\0\0\xff\x65"))

    assert await bench.packets(MediaKind.VIDEO) == []
    assert bench.counters.skipped == 6
    assert "longer than" in bench.counters.skipped_last
