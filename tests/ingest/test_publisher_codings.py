"""Every coding, from what FFmpeg sends of it to what a decoder makes of our packets.

Method: kept captures of FFmpeg's FLV muxer go through our client's and our server's core to a
publisher. libav's own demuxer reads the same file, and libav's decoders get our packets.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace

import av
import pytest

from config.clock import ManualClock
from ingest.preflight import Preflight
from ingest.publisher import Counters, Publisher
from media.hub import Hub, PacketReceived, TrackAnnounced
from media.units import Coding, MediaKind, Packet, Track
from media.wire.flv import (
    AudioSilence,
    Unsupported,
    VideoIdle,
    parse_audio,
    parse_video,
    write_audio,
    write_video,
)
from media.wire.rtmp_client import ClientConnection
from media.wire.rtmp_connection import ServerConnection
from media.wire.rtmp_handshake import NONCE_BYTES
from media.wire.rtmp_message import Audio, Video
from tests.media.wire.captures import NAMES, capture, path_of

Key = tuple[MediaKind, int]
PICTURE, SOUND = (MediaKind.VIDEO, 0), (MediaKind.AUDIO, 0)
_TICKS_PER_MS = 90


@dataclass
class Received:
    """What came out of the publisher, by track."""

    tracks: dict[Key, list[Track]] = field(default_factory=lambda: defaultdict(list))
    packets: dict[Key, list[Packet]] = field(default_factory=lambda: defaultdict(list))
    counters: Counters = field(default_factory=Counters)


async def publish(messages: list[Video | Audio]) -> Received:
    """Send messages with our client, and take them with our server."""
    client = ClientConnection(bytes(NONCE_BYTES), app="live", url="rtmp://h/live", stream_name="k")
    server = ServerConnection(bytes(NONCE_BYTES))
    for _ in range(8):  # the handshake, `connect`, `createStream` and `publish`
        server.receive_data(client.data_to_send())
        client.receive_data(server.data_to_send())
    server.accept_publish()
    client.receive_data(server.data_to_send())

    received = Received()
    hub = Hub(lambda _: None, ManualClock())
    publication = hub.publish("src_1")
    reader = publication.stream.read()
    publisher = Publisher(publication, received.counters, Preflight(0), ManualClock())
    for message in messages:
        if isinstance(message, Video):
            client.send_video(message.timestamp, message.data)
        else:
            client.send_audio(message.timestamp, message.data)
        for sent in server.receive_data(client.data_to_send()):
            assert isinstance(sent, Video | Audio)
            publisher.receive(sent)
    publisher.end("test")
    async for event in reader:
        if isinstance(event, TrackAnnounced):
            received.tracks[event.track.kind, event.number].append(event.track)
        elif isinstance(event, PacketReceived):
            received.packets[event.kind, event.number].append(event.packet)
    return received


TRACKS: dict[str, dict[Key, Track]] = {
    "aac": {SOUND: Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"", channels=6)},
    "ac3": {SOUND: Track(MediaKind.AUDIO, "ac-3", 48_000, b"", channels=6)},
    "av1": {PICTURE: Track(MediaKind.VIDEO, "av01.0.00M.08", 90_000, b"", 64, 48)},
    "eac3": {SOUND: Track(MediaKind.AUDIO, "ec-3", 48_000, b"", channels=2)},
    "flac": {SOUND: Track(MediaKind.AUDIO, "fLaC", 48_000, b"", channels=2)},
    "hevc": {PICTURE: Track(MediaKind.VIDEO, "hvc1.1.6.L30.90", 90_000, b"", 160, 96, (25, 1))},
    "mp3": {SOUND: Track(MediaKind.AUDIO, "mp4a.40.34", 48_000, b"", channels=2)},
    "multitrack": {
        PICTURE: Track(MediaKind.VIDEO, "avc1.64000b", 90_000, b"", 160, 96, (25, 1)),
        (MediaKind.VIDEO, 1): Track(
            MediaKind.VIDEO, "hvc1.1.6.L30.90", 90_000, b"", 80, 48, (25, 1)
        ),
        SOUND: Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"", channels=2),
        (MediaKind.AUDIO, 1): Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"", channels=2),
    },
    "opus": {SOUND: Track(MediaKind.AUDIO, "opus", 48_000, b"", channels=2)},
    "vp9": {PICTURE: Track(MediaKind.VIDEO, "vp09.00.10.08", 90_000, b"", 160, 96)},
}


@pytest.mark.parametrize("name", NAMES)
async def test_each_track_is_announced_once_with_what_it_is(name: str) -> None:
    received = await publish(capture(name))

    announced = {
        key: [replace(track, extradata=b"", sample_rate=0) for track in tracks]
        for key, tracks in received.tracks.items()
    }
    assert announced == {key: [track] for key, track in TRACKS[name].items()}


@pytest.mark.parametrize("name", NAMES)
async def test_packets_are_those_that_libav_reads(name: str) -> None:
    received = await publish(capture(name))

    with av.open(path_of(name)) as container:
        for key in TRACKS[name]:
            kind, number = key
            stream = container.streams.get({str(kind): number})[0]
            container.seek(0)
            read = [packet for packet in container.demux(stream) if packet.size]
            ours = received.packets[key]
            assert [bytes(packet) for packet in read] == [packet.data for packet in ours]
            assert [packet.is_keyframe for packet in read] == [packet.keyframe for packet in ours]
            unit = received.tracks[key][0].timescale // 1000
            assert [packet.dts for packet in read] == [packet.dts // unit for packet in ours]
            assert [packet.pts for packet in read] == [packet.pts // unit for packet in ours]


@pytest.mark.parametrize("name", NAMES)
async def test_decoders_take_every_packet(name: str) -> None:
    """Goal: packets and extradata of a track decode to all that was encoded, in its length."""
    received = await publish(capture(name))

    for key in TRACKS[name]:
        track, packets = received.tracks[key][0], received.packets[key]
        # libav's own decoder of AV1 only works with a graphics card.
        name = "libdav1d" if track.coding is Coding.AV1 else track.coding
        decoder = av.CodecContext.create(name, "r")
        assert isinstance(decoder, av.VideoCodecContext | av.AudioCodecContext)
        decoder.extradata = track.extradata or None
        frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet.data))]
        frames += decoder.decode(None)
        if track.kind is MediaKind.VIDEO:
            pictures = [frame for frame in frames if isinstance(frame, av.VideoFrame)]
            assert {(one.width, one.height) for one in pictures} == {(track.width, track.height)}
            assert len(pictures) == len(packets)
        elif track.coding is not Coding.AAC:
            lasted = sum(packet.duration for packet in packets)
            decoded = sum(frame.samples for frame in frames if isinstance(frame, av.AudioFrame))
            assert lasted - 1152 <= decoded <= lasted


@pytest.mark.parametrize("name", NAMES)
def test_we_write_what_ffmpeg_writes(name: str) -> None:
    for message in capture(name):
        if isinstance(message, Video):
            (video,) = parse_video(message.data)
            assert not isinstance(video, VideoIdle | Unsupported)
            assert write_video(video) == message.data
        else:
            (audio,) = parse_audio(message.data)
            assert not isinstance(audio, Unsupported)
            # FFmpeg ends FLAC with an empty frame.
            assert isinstance(audio, AudioSilence) or write_audio(audio) == message.data
