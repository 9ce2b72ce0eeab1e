"""Real encoders publish to the server; an independent decoder judges what reached the hub."""

import asyncio
import itertools
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import av
import pytest

from api.certificate import own_certificate
from config.child import die_with_parent
from config.clock import SystemClock
from config.tasks import spawn
from ingest.admission import Admitted
from ingest.rtmp_server import RtmpLimits
from ingest.rtmp_tls import ServerTls
from media.hub import (
    PacketReceived,
    PacketsLost,
    PublisherArrived,
    PublisherLeft,
    Reader,
    StreamEnded,
    Takeover,
    Terms,
    TrackAnnounced,
)
from media.units import MediaKind, Packet, Track
from media.wire.rtmp_connection import ServerConnection
from media.wire.rtmp_event import PublishRequested
from media.wire.rtmp_handshake import NONCE_BYTES
from media.wire.rtmp_message import Video
from tests.ingest.rig import Rig
from tests.programs import program

pytestmark = pytest.mark.peer

SECONDS = 3
AVC_PICTURE = 1  # FLV, E.4.3.1
FRAMES = SECONDS * 25
DEADLINE_S = 60


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """As the shared one, but deadlines run by the real clock, as the encoders do."""
    rig = Rig(RtmpLimits(refusal_ms=1), SystemClock())
    await rig.server.start()
    yield rig
    await rig.stop()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of H.264 with B-frames and AAC."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    command = [program("ffmpeg"), "-v", "error", *TEST_PICTURES, *ENCODED, str(path)]
    subprocess.run(command, check=True, timeout=DEADLINE_S)
    return path


TEST_PICTURES = [
    *("-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=25:duration={SECONDS}"),
    *("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=44100:duration={SECONDS}"),
]
ENCODED = [
    *("-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "25", "-pix_fmt", "yuv420p"),
    *("-c:a", "aac", "-ac", "2"),
]


@dataclass(frozen=True)
class Finished:
    status: int
    output: str


async def run(*command: str) -> Finished:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        preexec_fn=die_with_parent,
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return Finished(process.returncode or 0, output.decode("utf-8", "replace"))


@dataclass
class Publication:
    """What reached the hub."""

    tracks: dict[MediaKind, Track]
    packets: dict[MediaKind, list[Packet]]
    ended: str


async def published(rig: Rig, number: int = 0) -> Publication:
    return await collected(rig.readers[number])


async def collected(reader: Reader) -> Publication:
    async with asyncio.timeout(DEADLINE_S):
        events = [event async for event in reader]
    result = Publication({}, {MediaKind.VIDEO: [], MediaKind.AUDIO: []}, "")
    for event in events:
        match event:
            case TrackAnnounced(track):
                assert track.kind not in result.tracks
                result.tracks[track.kind] = track
            case PacketReceived(kind, packet):
                result.packets[kind].append(packet)
            case StreamEnded(reason):
                result.ended = reason
            case PublisherLeft() | PublisherArrived() | PacketsLost():
                pytest.fail(f"{event} of one publication")
    return result


def decoded(track: Track, packets: list[Packet]) -> int:
    """How many frames an independent decoder makes of the packets."""
    context = av.CodecContext.create("h264" if track.kind is MediaKind.VIDEO else "aac", "r")
    assert isinstance(context, av.VideoCodecContext | av.AudioCodecContext)
    context.extradata = track.extradata
    context.options = {"err_detect": "explode"}
    frames = sum(len(context.decode(av.Packet(packet.data))) for packet in packets)
    return frames + len(context.decode(None))


def check(publication: Publication, size: tuple[int, int], frames: int) -> None:
    video, audio = (publication.packets[kind] for kind in (MediaKind.VIDEO, MediaKind.AUDIO))
    video_track = publication.tracks[MediaKind.VIDEO]
    audio_track = publication.tracks[MediaKind.AUDIO]
    assert (video_track.width, video_track.height) == size
    assert (video_track.frame_rate, video_track.timescale) == ((25, 1), 90_000)
    assert (audio_track.timescale, audio_track.channels) == (44_100, 2)
    assert video[0].keyframe
    assert sum(packet.keyframe for packet in video) >= SECONDS
    for packets in (video, audio):
        assert all(one.dts <= two.dts for one, two in itertools.pairwise(packets))
        assert len({packet.pts for packet in packets}) == len(packets)
    assert all(packet.pts >= packet.dts for packet in video)
    shown = sorted(packet.pts for packet in video)
    # RTMP rounds to milliseconds.
    assert all(abs(two - one - 3_600) <= 90 for one, two in itertools.pairwise(shown))
    assert decoded(video_track, video) == len(video) == frames
    assert abs(len(audio) - SECONDS * 44_100 / 1024) < 4
    assert abs(decoded(audio_track, audio) - len(audio)) <= 1
    assert publication.ended == "ended by the publisher"


def url(rig: Rig, key: str = "right") -> str:
    return f"rtmp://127.0.0.1:{rig.port}/live/{key}"


@pytest.mark.parametrize("name", ["ffmpeg", "bundled ffmpeg"])
async def test_ffmpeg_encodes_and_publishes(rig: Rig, name: str) -> None:
    finished = await run(
        program(name), "-v", "warning", *TEST_PICTURES, *ENCODED, "-f", "flv", url(rig)
    )

    assert finished.status == 0, finished.output
    check(await published(rig), (320, 180), FRAMES)


@pytest.mark.parametrize("name", ["ffmpeg", "bundled ffmpeg"])
async def test_ffmpeg_publishes_a_file_as_it_is(rig: Rig, clip: Path, name: str) -> None:
    to = url(rig, "right?token=1")
    finished = await run(
        program(name), "-v", "warning", "-i", str(clip), "-c", "copy", "-f", "flv", to
    )

    assert finished.status == 0, finished.output
    check(await published(rig), (320, 180), FRAMES)
    assert rig.keys.asked[0].stream_name == "right?token=1"


@pytest.mark.parametrize("bits", [24, 31])
async def test_time_goes_on_where_ffmpegs_timestamps_wrap(rig: Rig, clip: Path, bits: int) -> None:
    """Goal: extended timestamps as FFmpeg writes them, and its wrap, which is at 31 bits."""
    start_s = (1 << bits) / 1000 - 1
    offset = ("-output_ts_offset", f"{start_s:.3f}")
    finished = await run(
        program("ffmpeg"), "-v", "warning", "-i", str(clip), "-c", "copy", *offset,
        *("-flvflags", "no_duration_filesize", "-f", "flv", url(rig)),
    )  # fmt: skip

    assert finished.status == 0, finished.output
    publication = await published(rig)
    check(publication, (320, 180), FRAMES)
    first = publication.packets[MediaKind.VIDEO][0].dts
    assert abs(first - start_s * 90_000) < 90_000 / 2


@pytest.mark.parametrize("name", ["ffmpeg", "bundled ffmpeg"])
async def test_ffmpeg_shows_why_it_was_refused(rig: Rig, clip: Path, name: str) -> None:
    finished = await run(
        program(name), "-v", "error", "-i", str(clip), "-c", "copy", "-f", "flv", url(rig, "wrong")
    )

    assert finished.status != 0
    assert "unknown stream key" in finished.output
    assert rig.readers == []


async def test_ffmpeg_shows_that_the_stream_is_taken(rig: Rig, clip: Path) -> None:
    rig.keys.admitted = Admitted("src_1", Terms(takeover=Takeover.REJECT))
    first = await rig.encoder()
    await first.answer()

    finished = await run(
        program("ffmpeg"), "-v", "error", "-i", str(clip), "-c", "copy", "-f", "flv", url(rig)
    )

    assert finished.status != 0
    assert "already being published" in finished.output


def push(url: str, clip: str) -> None:
    """PyAV, in a thread: copy the clip at once."""
    with (
        av.open(clip) as source,
        av.open(url, "w", format="flv", options={"tls_verify": "0"}) as target,
    ):
        streams = {each: target.add_stream_from_template(each) for each in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream]
                target.mux(packet)


async def test_publishers_come_over_tls(clip: Path, tmp_path: Path) -> None:
    """FFmpeg with GnuTLS, FFmpeg as PyAV brings it, and GStreamer, one beside the other."""
    files = own_certificate(tmp_path, SystemClock())
    rig = Rig(RtmpLimits(refusal_ms=1), SystemClock(), ServerTls(*files))
    await rig.server.start()
    to = f"rtmps://127.0.0.1:{rig.tls_port}/live/right"
    copied = ["-v", "warning", "-i", str(clip), "-c", "copy", "-f", "flv"]
    ffmpeg, pushed, gst = await asyncio.gather(
        run(program("ffmpeg"), *copied, f"{to}-ffmpeg"),
        asyncio.to_thread(push, f"{to}-pyav", str(clip)),
        run(
            program("gst-launch-1.0"),
            *gstreamer(f"rtmp2sink tls-validation-flags=0 location={to}-gstreamer"),
        ),
    )

    assert (ffmpeg.status, pushed) == (0, None), ffmpeg.output
    assert gst.status == 0, gst.output
    for reader in rig.readers:
        check(await collected(reader), (320, 180), FRAMES)
    assert len(rig.readers) == 3
    assert all(request.secure for request in rig.keys.asked)
    await rig.stop()


async def test_ffmpeg_gives_up_when_another_publisher_takes_over(rig: Rig, clip: Path) -> None:
    """Goal: it says why, and does not take the stream back."""
    endless = ["-re", "-stream_loop", "-1", "-i", str(clip), "-c", "copy", "-f", "flv"]
    pushing = spawn(run(program("ffmpeg"), "-v", "error", *endless, url(rig)), name="ffmpeg")
    async with asyncio.timeout(DEADLINE_S):
        await rig.was_published.wait()

    await (await rig.encoder()).answer()

    finished = await pushing
    assert finished.status != 0
    assert "another publisher took over" in finished.output


def gstreamer(sink: str) -> list[str]:
    video = (
        f"videotestsrc num-buffers={FRAMES}"
        " ! video/x-raw,format=I420,width=320,height=180,framerate=25/1"
        " ! x264enc bframes=2 b-adapt=false key-int-max=25 speed-preset=veryfast ! h264parse"
        " ! flvmux name=mux streamable=true"
    )
    audio = (
        f"audiotestsrc num-buffers={SECONDS * 44_100 // 1024} samplesperbuffer=1024"
        " ! audio/x-raw,rate=44100,channels=2 ! voaacenc ! aacparse ! mux."
    )
    return f"-q {video} ! {sink} {audio}".split()


@pytest.mark.parametrize("sink", ["rtmp2sink", "rtmpsink"])
async def test_gstreamer_publishes(rig: Rig, sink: str) -> None:
    """rtmpsink is librtmp, which OBS has a copy of."""
    launch = program("gst-launch-1.0")

    finished = await run(launch, *gstreamer(f"{sink} location={url(rig)}"))

    assert finished.status == 0, finished.output
    assert "ERROR" not in finished.output
    check(await published(rig), (320, 180), FRAMES)


@pytest.mark.parametrize("sink", ["rtmp2sink", "rtmpsink"])
async def test_gstreamer_fails_when_it_is_refused(rig: Rig, sink: str) -> None:
    launch = program("gst-launch-1.0")

    finished = await run(launch, *gstreamer(f"{sink} location={url(rig, 'wrong')}"))

    assert finished.status != 0
    assert rig.readers == []


async def test_an_encoder_publishes_again_after_it_ended(rig: Rig, clip: Path) -> None:
    command = [program("ffmpeg"), "-v", "warning", "-i", str(clip), "-c", "copy", "-f", "flv"]

    for number in range(2):
        finished = await run(*command, url(rig))
        assert finished.status == 0, finished.output
        check(await published(rig, number), (320, 180), FRAMES)


class Asking(asyncio.Protocol):
    """A server that lets everyone in, asks them to reconnect at once, and counts their pictures."""

    pictures: ClassVar[Counter[str]] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._core = ServerConnection(bytes(NONCE_BYTES))
        self._name = ""

    def data_received(self, data: bytes) -> None:
        for event in self._core.receive_data(data):
            match event:
                case PublishRequested(_, name):
                    self._name = name
                    self._core.accept_publish()
                    self._core.request_reconnect("rtmp://192.0.2.1/live", "please")
                case Video(_, _, body):
                    self.pictures[self._name] += body[1] == AVC_PICTURE
                case _:
                    pass
        self._transport.write(self._core.data_to_send())


async def test_who_does_not_understand_requests_to_reconnect_is_not_disturbed(clip: Path) -> None:
    """FFmpeg of both makes, GStreamer's own client and librtmp, which OBS has a copy of."""
    server = await asyncio.get_running_loop().create_server(Asking, "127.0.0.1", 0)
    to = f"rtmp://127.0.0.1:{server.sockets[0].getsockname()[1]}/live"
    copied = ["-v", "warning", "-i", str(clip), "-c", "copy", "-f", "flv"]
    launch = program("gst-launch-1.0")
    encoders, sinks = ("ffmpeg", "bundled ffmpeg"), ("rtmp2sink", "rtmpsink")

    all_finished = await asyncio.gather(
        *(run(program(name), *copied, f"{to}/{name.split()[0]}") for name in encoders),
        *(run(launch, *gstreamer(f"{sink} location={to}/{sink}")) for sink in sinks),
    )

    server.close()
    for finished in all_finished:
        assert finished.status == 0, finished.output
        assert "ERROR" not in finished.output
    assert Asking.pictures == dict.fromkeys(("ffmpeg", "bundled", *sinks), FRAMES)
