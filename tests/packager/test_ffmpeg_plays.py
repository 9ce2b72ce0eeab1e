"""FFmpeg's own HLS player over HTTP: what it decodes is what was published."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from config.clock import ManualClock
from packager.archive import Archive
from packager.library import HlsSettings, Library, Package, UnknownSegment
from packager.naming import PlaylistPath, parse_path
from packager.on_demand_writer import OnDemandWriter
from tests.packager.clip import START_S, Clip, audio_clip, video_clip
from tests.packager.feeding import interleaved, renditions_of
from tests.packager.fetching import fetch, media_playlist
from tests.programs import program

pytestmark = pytest.mark.peer

SECONDS = 5
CLIPS: dict[str, Clip] = {
    "360p": video_clip(64, 36, seconds=SECONDS, keyframe_every=12, b_frames=2),
    "720p": video_clip(128, 72, seconds=SECONDS, keyframe_every=12, b_frames=2),
    "audio": audio_clip(seconds=SECONDS),
}


@pytest.fixture(params=["ffmpeg", "bundled ffmpeg"])
def ffmpeg(request: pytest.FixtureRequest) -> str:
    return program(str(request.param))


class Site:
    """Serves one library's assets under `/hls/{asset}/token/`, as the program does."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.before_playlist: Callable[[str], None] = lambda _: None
        self.requests: list[str] = []
        self.asked: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        application = web.Application()
        application.router.add_get("/hls/{asset}/token/{path:.+}", self._get)
        self._runner = web.AppRunner(application)
        self._address = ""

    async def start(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self._address = f"http://{host}:{port}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    def url(self, asset_id: str) -> str:
        return f"{self._address}/hls/{asset_id}/token/master.m3u8"

    async def _get(self, request: web.Request) -> web.Response:
        package = await self._library.get(request.match_info["asset"])
        assert package is not None
        path = request.match_info["path"]
        self.requests.append(path)
        self.asked[path].set()
        try:
            return web.Response(body=await self._body(package, path))
        except UnknownSegment:
            raise web.HTTPNotFound from None

    async def _body(self, package: Package, path: str) -> bytes:
        named = parse_path(path)
        if isinstance(named, PlaylistPath) and named.rendition is not None:
            self.before_playlist(named.rendition)
        return await fetch(package, path)


@pytest.fixture
async def library(archive: Archive, clock: ManualClock) -> AsyncIterator[Library]:
    """Short segments: a player of a live asset waits for each."""
    library = Library(archive, clock, HlsSettings(480))
    await library.start()
    yield library
    await library.stop()


@pytest.fixture
async def site(library: Library) -> AsyncIterator[Site]:
    site = Site(library)
    await site.start()
    yield site
    await site.stop()


async def played(ffmpeg: str, url: str, *options: str) -> tuple[dict[int, list[float]], str]:
    """Presentation times of the frames that one rendition decodes to, and complaints."""
    process = await asyncio.create_subprocess_exec(
        *(ffmpeg, "-v", "error", "-copyts", *options, "-i", url, "-map", "0:v:0", "-map", "0:a:0"),
        *("-fps_mode", "passthrough", "-f", "framecrc", "-"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            output, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    times: dict[int, list[float]] = defaultdict(list)
    bases: dict[str, float] = {}
    for line in output.decode().splitlines():
        if line.startswith("#tb "):
            stream, base = line.removeprefix("#tb ").split(": ")
            numerator, denominator = base.split("/")
            bases[stream] = int(numerator) / int(denominator)
        elif not line.startswith("#"):
            stream, _, pts, *_ = (each.strip() for each in line.split(","))
            times[int(stream)].append(int(pts) * bases[stream])
    return times, errors.decode()


def assert_everything_was_played(times: dict[int, list[float]]) -> None:
    expected = sorted(packet.pts / 90_000 for packet in CLIPS["360p"].packets)
    assert len(times[0]) == len(expected)
    assert all(abs(a - b) < 0.002 for a, b in zip(times[0], expected, strict=True))
    # One frame of audio lasts 21 ms; it starts with the picture and ends with it.
    assert abs(times[1][0] - START_S) < 0.05
    assert abs(times[1][-1] - (START_S + SECONDS)) < 0.05
    assert abs(len(times[1]) - SECONDS * 48_000 / 1024) < 2


async def test_an_on_demand_asset_plays_from_its_first_frame_to_its_last(
    ffmpeg: str, library: Library, site: Site
) -> None:
    origin = library.start_live("ast_1")
    origin.begin(renditions_of(CLIPS))
    for name, packet in interleaved(CLIPS):
        origin.packet(name, packet)
    origin.end()
    await library.settle("ast_1")
    times, errors = await played(ffmpeg, site.url("ast_1"))
    assert errors == ""
    assert_everything_was_played(times)


async def test_a_live_asset_plays_while_it_grows_and_beyond_its_end(
    ffmpeg: str, library: Library, site: Site
) -> None:
    """Each time the player looks for more, there is one segment more; then the asset ends."""
    origin = library.start_live("ast_1")
    origin.begin(renditions_of(CLIPS))
    packets = interleaved(CLIPS)
    position = 0

    def grow(seconds: float) -> None:
        nonlocal position
        while position < len(packets):
            name, packet = packets[position]
            if packet.dts / CLIPS[name].track.timescale >= START_S + seconds:
                return
            origin.packet(name, packet)
            position += 1
        origin.end()

    published = 1.6

    def more(rendition: str) -> None:
        nonlocal published
        lines = media_playlist(origin, rendition).splitlines()
        newest = [line for line in lines if not line.startswith("#")][-1]
        if f"{rendition}/{newest}" in site.requests:
            published += 0.48
            grow(published)

    grow(published)
    site.before_playlist = more
    times, errors = await played(ffmpeg, site.url("ast_1"))
    assert errors == ""
    assert_everything_was_played(times)
    assert site.requests.count("360p/index.m3u8") > 5


async def test_a_growing_asset_plays_from_its_start_while_its_file_is_read(
    ffmpeg: str, library: Library, site: Site, clock: ManualClock, tmp_path: Path
) -> None:
    """The player joins when half of it is there, and still shows the first frame first."""
    writer = await OnDemandWriter.open(
        tmp_path / "archive", "ast_1", HlsSettings(480), ManualClock()
    )
    writer.begin(renditions_of(CLIPS))
    packets = interleaved(CLIPS)
    half = len(packets) // 2
    for name, packet in packets[:half]:
        writer.packet(name, packet)
    await writer.written()
    player = asyncio.ensure_future(played(ffmpeg, site.url("ast_1"), "-prefer_x_start", "1"))
    last = segment_names(await library.get("ast_1"))[-1]
    async with asyncio.timeout(60):
        await site.asked[f"360p/{last}"].wait()
    for name, packet in packets[half:]:
        writer.packet(name, packet)
    await writer.finish(last_pass=True)
    clock.advance(1000)
    times, errors = await player
    assert errors == ""
    assert_everything_was_played(times)


def segment_names(package: Package | None) -> list[str]:
    assert package is not None
    lines = media_playlist(package, "360p").splitlines()
    return [line for line in lines if line.endswith(".m4s")]
