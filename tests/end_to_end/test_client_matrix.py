"""Real encoders publish side by side; what comes out is decoded and compared with what went in."""

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.node_packages import NodeUnavailable, node_media_server
from tests.end_to_end.conftest import StartServer
from tests.end_to_end.follower import Shown, follow
from tests.end_to_end.numbered_film import (
    NumberedFilm,
    deviation,
    make_numbered_film,
    number_of,
)
from tests.end_to_end.running_server import Client, client_of, guest_of
from tests.end_to_end.viewer import watch
from tests.programs import missing, program

pytestmark = [pytest.mark.end_to_end, pytest.mark.alone, pytest.mark.peer, pytest.mark.timeout(180)]

SECONDS = 20
DEADLINE_SECONDS = 90
# Of luma, after another generation of encoding at the most.
DEVIATION_MAX = 12
# A relay begins with what its own server has buffered.
RELAY_PICTURES_MISSED_MAX = 100


@dataclass(frozen=True)
class Publisher:
    """A program that pushes to a URL; the names of the renditions that are to come of it."""

    command: Callable[[str, NumberedFilm], list[str]]
    pictures: tuple[str, ...] = ("source",)
    secure: bool = False
    missed_max: int = 0


def ffmpeg(url: str, film: NumberedFilm) -> list[str]:
    options = ("-v", "error", "-re", "-i", str(film.h264), "-c", "copy", "-f", "flv")
    return [program("ffmpeg"), *options, url]


def gstreamer(sink: str) -> Callable[[str, NumberedFilm], list[str]]:
    def command(url: str, film: NumberedFilm) -> list[str]:
        # Pace behind the muxer: before it, the track that starts late would get wrong times there.
        pipeline = (
            f"filesrc location={film.h264} ! qtdemux name=film"
            f" flvmux name=mux streamable=true ! clocksync ! {sink} location={url}"
            " film.video_0 ! queue ! h264parse ! mux. film.audio_0 ! queue ! aacparse ! mux."
        )
        return [program("gst-launch-1.0"), "-q", *pipeline.split()]

    return command


def pyav(*names: str) -> Callable[[str, NumberedFilm], list[str]]:
    def command(url: str, film: NumberedFilm) -> list[str]:
        files = {
            "hevc": film.hevc,
            "av1": film.av1,
            "opus": film.opus,
            "h264": film.h264,
            "middle": film.smaller[0],
            "small": film.smaller[1],
        }
        push = (sys.executable, "-P", "-m", "tests.end_to_end.av_push")
        return [*push, url, *(str(files[name]) for name in names)]

    return command


def librtmp(url: str, film: NumberedFilm) -> list[str]:
    push = (sys.executable, "-P", "-m", "tests.end_to_end.librtmp_push")
    return [*push, url, str(film.h264_flv)]


PUBLISHERS = {
    "ffmpeg": Publisher(ffmpeg),
    "ffmpeg-rtmps": Publisher(ffmpeg, secure=True),
    "rtmp2sink": Publisher(gstreamer("rtmp2sink")),
    "rtmpsink": Publisher(gstreamer("rtmpsink")),
    "librtmp": Publisher(librtmp),
    "pyav-hevc": Publisher(pyav("hevc"), pictures=("180p",)),
    "pyav-av1": Publisher(pyav("av1"), pictures=("180p",)),
    "pyav-opus": Publisher(pyav("opus")),
    "pyav-multitrack": Publisher(pyav("h264", "middle", "small"), ("180p", "136p", "90p")),
    "node-media-server": Publisher(ffmpeg, missed_max=RELAY_PICTURES_MISSED_MAX),
}


async def test_what_every_publisher_sends_is_what_viewers_see(
    start: StartServer, tmp_path: Path
) -> None:
    """Goal: no frame lost, repeated or changed on the way, from any of the clients that exist.

    Method: all push at once in real time; their pictures say their own numbers.
    """
    film, server = await asyncio.gather(
        make_numbered_film(tmp_path, SECONDS), start(f"--sessions.free={len(PUBLISHERS)}")
    )
    async with client_of(server, **server.creator) as creator, guest_of(server) as guest:
        urls = {name: await new_source(creator, name) for name in PUBLISHERS}
        results = await asyncio.gather(
            *(published(name, urls[name], film, guest) for name in PUBLISHERS),
            return_exceptions=True,
        )
    failures = {
        name: result
        for name, result in zip(PUBLISHERS, results, strict=True)
        if isinstance(result, BaseException)
    }
    assert not failures, failures


async def new_source(creator: Client, name: str) -> str:
    """Where to publish to a source of that name, which waits for nobody to come back."""
    body = {"name": name, "reconnectSeconds": 0}
    made = await creator.post("/api/v1/sources", body, status=201)
    address = made["source"]["rtmpsUrl" if PUBLISHERS[name].secure else "rtmpUrl"]
    return f"{address}/{made['streamKey']}"


async def published(name: str, url: str, film: NumberedFilm, guest: Client) -> None:
    """Push the whole film and compare."""
    publisher = PUBLISHERS[name]
    async with asyncio.timeout(DEADLINE_SECONDS), contextlib.AsyncExitStack() as stack:
        if name == "node-media-server":
            url = await stack.enter_async_context(relay(url, film.h264.parent / "relay"))
        process = await stack.enter_async_context(running(publisher.command(url, film)))
        viewer = await watch(guest, name, seconds=40)
        shown = await follow(viewer)
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()[-500:]
    await asyncio.to_thread(compare, publisher, shown, film)


def compare(publisher: Publisher, shown: dict[str, Shown], film: NumberedFilm) -> None:
    """Every picture once, in order and as it was, in every rendition; and sound all along."""
    assert set(shown) == {*publisher.pictures, "audio"}
    assert all(each.discontinuities == 0 for each in shown.values())
    for name in publisher.pictures:
        pictures = shown[name].pictures()
        numbers = [number_of(picture) for picture in pictures]
        missed = film.pictures - len(numbers)
        assert 0 <= missed <= publisher.missed_max, (name, len(numbers))
        assert numbers == list(range(missed, film.pictures)), name
        worst = max(map(deviation, pictures, numbers))
        assert worst < DEVIATION_MAX, (name, worst)
    seconds = shown["audio"].sound_seconds()
    assert abs(seconds - film.seconds) < 0.2 + publisher.missed_max / 25, seconds


@contextlib.asynccontextmanager
async def running(
    command: list[str], folder: Path | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@contextlib.asynccontextmanager
async def relay(url: str, folder: Path) -> AsyncIterator[str]:
    """A node-media-server that pushes what it gets on to `url`; where to publish to it."""
    try:
        command = await asyncio.to_thread(node_media_server)
    except NodeUnavailable as reason:
        missing(str(reason))
    folder.mkdir()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    arguments = json.dumps({"rtmp": port, "push": url})
    async with running([*command, arguments], folder):
        await connectable(port)
        yield f"rtmp://127.0.0.1:{port}/live/relayed"


async def connectable(port: int) -> None:
    """Until somebody listens."""
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
