import itertools
from dataclasses import replace

import av
from hypothesis import given
from hypothesis import strategies as st

from config.clock import ManualClock
from ingest.preflight import Preflight
from ingest.publisher import Counters, Publisher
from media.hub import Event, Hub, PacketReceived, Reader, Stream, TrackAnnounced
from media.units import Coding, MediaKind, Packet, Track
from media.wire.amf0 import Value
from media.wire.flv import (
    AudioConfiguration,
    AudioFrame,
    VideoConfiguration,
    VideoEnded,
    VideoFrame,
    VideoMetadata,
    WritableAudio,
    WritableVideo,
    write_audio,
    write_enhanced_video,
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
        self.stream = publication.stream
        self.publisher = Publisher(publication, self.counters, self.preflight, clock)

    def _published(self, stream: Stream) -> None:
        self._readers.append(stream.read())

    def video(self, time: int, tag: WritableVideo) -> None:
        self.publisher.receive(Video(time, 1, write_video(tag)))

    def audio(self, time: int, tag: WritableAudio) -> None:
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


def record_without_rate() -> bytes:
    """320x192, constrained baseline, no VUI."""
    sps = bytes.fromhex("6742c00dda0a0c9000")
    pps = b"\x68\xce\x3c\x80"
    return b"\1\x42\xc0\x0d\xff\xe1" + len(sps).to_bytes(2, "big") + sps + b"\1\0\4" + pps


async def test_the_metadata_fills_in_a_frame_rate_that_the_video_does_not_say() -> None:
    bench = Bench()
    tracks: Value = {"1": {"framerate": 29.97}}
    fields = {"framerate": 60.0, "videoTrackIdInfoMap": tracks}
    bench.publisher.receive(MetadataReceived(fields))
    for number in range(3):
        bench.video(0, VideoConfiguration(record_without_rate(), number=number))

    rates = [track.frame_rate for track in await bench.tracks()]

    assert rates == [(60, 1), (30_000, 1001), (60, 1)]


async def test_without_metadata_the_frame_rate_stays_unknown() -> None:
    bench = Bench()
    bench.video(0, VideoConfiguration(record_without_rate()))

    assert [track.frame_rate for track in await bench.tracks()] == [(0, 1)]


async def test_every_track_begins_with_a_keyframe_of_its_own(footage: Footage) -> None:
    bench = Bench()
    (_, keyframe), (_, other) = footage.frames[:2]
    for number in (0, 1):
        bench.video(0, VideoConfiguration(footage.record, number=number))
    bench.video(0, keyframe)
    bench.video(0, replace(other, number=1))
    bench.video(40, other)
    bench.video(40, replace(keyframe, number=1))

    received = [event for event in await bench.events() if isinstance(event, PacketReceived)]

    assert [(event.number, event.packet.dts) for event in received] == [
        (0, 0),
        (0, 3_600),
        (1, 3_600),
    ]


async def test_tracks_of_one_message_share_its_time(footage: Footage) -> None:
    bench = Bench()
    keyframe = footage.frames[0][1]
    numbers = (0, 1, 4)
    configurations = [VideoConfiguration(footage.record, number=number) for number in numbers]
    frames = [replace(keyframe, number=number, nanoseconds=999_999) for number in numbers]
    bench.publisher.receive(Video(0xFFFFFF, 1, write_enhanced_video(*configurations)))
    bench.publisher.receive(Video(0xFFFFFF, 1, write_enhanced_video(*frames)))

    events = await bench.events()
    received = [event for event in events if isinstance(event, PacketReceived)]

    assert [event.number for event in events if isinstance(event, TrackAnnounced)] == [0, 1, 4]
    assert [(event.number, event.packet.dts) for event in received] == [
        (number, 0xFFFFFF * 90 + 89) for number in numbers
    ]


async def test_nanoseconds_of_sound_become_samples(footage: Footage) -> None:
    bench = Bench()
    bench.audio(0, AudioConfiguration(footage.config))
    bench.audio(21, AudioFrame(b"frame", nanoseconds=333_334))

    (packet,) = await bench.packets(MediaKind.AUDIO)

    assert packet.dts == 1_024


async def test_an_encoder_may_turn_to_another_coding(footage: Footage) -> None:
    bench = Bench()
    bench.audio(0, AudioConfiguration(footage.config))
    bench.audio(0, AudioFrame(b"frame"))
    bench.audio(40, AudioFrame(b"\xff\xfb\x90\x00", Coding.MP3))
    bench.video(0, VideoConfiguration(footage.record))
    bench.video(0, footage.frames[0][1])
    bench.video(40, VideoFrame(True, 0, b"\0\0\0\2\x26\1", Coding.HEVC))

    events = await bench.events()

    assert [event.track.coding for event in events if isinstance(event, TrackAnnounced)] == [
        Coding.AAC,
        Coding.MP3,
        Coding.H264,
    ]
    assert bench.counters.skipped_last == "video before its configuration"


async def test_endless_tracks_are_left_out_with_a_note(footage: Footage) -> None:
    bench = Bench()
    for number in range(10):
        bench.audio(0, AudioConfiguration(footage.config, number=number))
        bench.audio(0, AudioFrame(b"frame", number=number))
    bench.publisher.receive(Video(0, 1, b"\x90vvc1"))
    for number in range(10):
        bench.video(0, VideoConfiguration(footage.record, number=number))
        bench.video(0, replace(footage.frames[0][1], number=number))

    assert len(await bench.packets(MediaKind.VIDEO)) == 8
    assert bench.counters.audio_packets == 8
    assert bench.preflight.report(0).facts.skipped == (
        "audio track 8",
        "audio track 9",
        "video codec vvc1",
        "video track 8",
        "video track 9",
    )


async def test_tracks_of_sound_keep_their_numbers_and_what_they_are_called(
    footage: Footage,
) -> None:
    bench = Bench()
    names: dict[str, Value] = {"3": {"language": "ger", "title": 'Der "Ton"'}, "1": 7.0}
    bench.publisher.receive(MetadataReceived({"audioTrackIdInfoMap": names}))
    for number, frame in ((3, b"third"), (1, b"first"), (3, b"third again")):
        bench.audio(0, AudioConfiguration(footage.config, number=number))
        bench.audio(0, AudioFrame(frame, number=number))

    events = await bench.events()
    tracks = {one.number: one.track for one in events if isinstance(one, TrackAnnounced)}
    assert (tracks[3].language, tracks[3].label) == ("de", "Der 'Ton'")
    assert (tracks[1].language, tracks[1].label) == ("", "")
    heard = [(one.number, one.packet.data) for one in events if isinstance(one, PacketReceived)]
    assert heard == [(3, b"third"), (1, b"first"), (3, b"third again")]


async def test_marked_keyframes_that_are_none_are_told_to_the_preflight(footage: Footage) -> None:
    bench = Bench()
    bench.video(0, VideoConfiguration(footage.record))
    bench.video(0, footage.frames[0][1])
    bench.video(40, replace(footage.frames[1][1], keyframe=True))

    (track,) = bench.preflight.report(0).facts.tracks

    assert track.keyframes_unusable == 1


async def test_what_has_nothing_to_carry_is_no_mistake(footage: Footage) -> None:
    bench = Bench()
    bench.publisher.receive(Audio(0, 1, b""))
    bench.publisher.receive(Video(0, 1, b""))
    bench.publisher.receive(Audio(0, 1, b"\x94Opus\1\2\0\0\0\3"))
    bench.video(0, VideoMetadata(b"\2\0\x09colorInfo", Coding.HEVC))
    bench.video(0, VideoEnded(number=3))

    assert await bench.events() == []
    assert bench.counters.skipped == 0


async def test_a_publisher_may_come_back_after_leaving(footage: Footage) -> None:
    bench = Bench()
    bench.publisher.leave("cut off")

    assert bench.stream.reconnect_ms_left() == 60_000


@given(st.lists(st.tuples(st.booleans(), st.integers(0, (1 << 32) - 1), st.binary(max_size=24))))
def test_nothing_that_is_sent_is_fatal(messages: list[tuple[bool, int, bytes]]) -> None:
    publisher = Bench().publisher
    for is_video, time, data in messages:
        publisher.receive(Video(time, 1, data) if is_video else Audio(time, 1, data))


async def test_what_cannot_be_used_is_skipped_and_counted(footage: Footage) -> None:
    bench = Bench()
    bench.audio(0, AudioFrame(b"a"))
    bench.audio(0, AudioConfiguration(b"\xff"))
    bench.video(0, VideoConfiguration(b"broken"))
    bench.publisher.receive(Video(0, 1, b"\x90vvc1"))
    bench.publisher.receive(Audio(0, 1, b"\xaf"))
    bench.audio(0, AudioFrame(b"noise", Coding.MP3))
    bench.video(0, VideoConfiguration(footage.record + bytes(65_536)))
    bench.video(0, VideoConfiguration(footage.record))
    bench.video(0, VideoFrame(True, 0, b"\0\0\0\xff\x65"))

    assert await bench.packets(MediaKind.VIDEO) == []
    assert bench.counters.skipped == 8
    assert "longer than" in bench.counters.skipped_last
