"""Sound and captions are chosen in browsers, and are what they say: of an upload and of a live."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin

import pytest

from media.captions.reading import read_captions
from tests.end_to_end.browser_players import BrowserPlayer, Players, browser_players
from tests.end_to_end.conftest import StartServer
from tests.end_to_end.films import made, upload
from tests.end_to_end.running_server import Client, RunningServer, client_of, eventually
from tests.end_to_end.viewer import watch
from tests.programs import program

pytestmark = [pytest.mark.end_to_end, pytest.mark.peer, pytest.mark.timeout(120)]

SECONDS = 12
PITCHES = {"English": 440, "Deutsch": 880}
SRT = "1\n00:00:01,000 --> 00:00:02,500\n<i>one</i>\n\n2\n00:00:09,000 --> 00:00:10,000\ntwo\n"
# The second is shown across boundaries, from before where a player may begin.
VTT = """WEBVTT

00:01.250 --> 00:01.750 line:0
eins

00:03.000 --> 00:09.500
zwei

00:10.500 --> 00:11.000
drei
"""
CUES: dict[str, list[tuple[float, float, str]]] = {
    "English": [(1, 2.5, "<i>one</i>"), (9, 10, "two")],
    "Deutsch": [(1.25, 1.75, "eins"), (3, 9.5, "zwei"), (10.5, 11, "drei")],
}


def tracks(*, seconds: int) -> list[str]:
    """A picture, and a track of sound for each language."""
    words = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"]
    for pitch in PITCHES.values():
        words += ["-f", "lavfi", "-i", f"sine=frequency={pitch}:sample_rate=48000"]
    words += ["-map", "0", "-map", "1", "-map", "2", "-t", str(seconds)]
    words += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", "0"]
    words += ["-g", "50", "-sc_threshold", "0", "-c:a", "aac", "-b:a", "64k"]
    return words


async def run_ffmpeg(*words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(program("bundled ffmpeg"), "-hide_banner", "-loglevel", "error", "-y", *words),
        stdin=asyncio.subprocess.DEVNULL,
    )


async def make_film(directory: Path) -> Path:
    """In Matroska, with captions in English."""
    (directory / "film.srt").write_text(SRT)
    film = directory / "film.mkv"
    languages = ["-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger"]
    process = await run_ffmpeg(
        *tracks(seconds=SECONDS)[:12],
        *("-i", str(directory / "film.srt"), "-map", "3", "-c:s", "srt"),
        *tracks(seconds=SECONDS)[12:],
        *languages,
        *("-metadata:s:s:0", "language=eng", str(film)),
    )
    assert await process.wait() == 0
    return film


async def make_show(show: Path) -> Path:
    """Sound alone."""
    tones = [
        word
        for pitch in PITCHES.values()
        for word in ("-f", "lavfi", "-i", f"sine=frequency={pitch}:duration={SECONDS}")
    ]
    process = await run_ffmpeg(*tones, "-map", "0", "-map", "1", "-c:a", "aac", str(show))
    assert await process.wait() == 0
    return show


@contextlib.asynccontextmanager
async def publishing(url: str) -> AsyncIterator[None]:
    """FFmpeg sends further sound as Enhanced RTMP's tracks."""
    process = await run_ffmpeg("-re", *tracks(seconds=60), "-f", "flv", url)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def test_whoever_chooses_a_language_hears_and_reads_it(
    start: StartServer, tmp_path: Path
) -> None:
    server, film = await asyncio.gather(start(), make_film(tmp_path))
    live_url = f"{server.rtmp_url}/{server.announced['stream_key']}"
    async with (
        client_of(server, **server.creator) as creator,
        publishing(live_url),
        browser_players() as players,
    ):
        content = await captioned(creator, film)
        stage = Stage(server, creator, players)
        async with asyncio.TaskGroup() as tasks:
            for work in (
                stage.hears_and_reads("hls.js", content),
                stage.hears_and_reads("shaka", content),
                stage.reads_after_a_seek(content),
                stage.hears_live(),
                stage.extracts(content),
                stage.hears_without_pictures(tmp_path),
            ):
                tasks.create_task(work)


async def captioned(creator: Client, film: Path) -> str:
    """A film that came with English captions and has German ones as well."""
    content = (await upload(creator, film))["id"]
    document = await made(creator, content)
    assert [(one["label"], one["language"]) for one in document["audio"]] == [
        ("English", "en"),
        ("Deutsch", "de"),
    ]
    assert [one["key"] for one in document["captions"]] == ["en"]
    address = f"/api/v1/content/{content}/captions/de"
    async with creator.http.put(address, data=VTT.encode()) as answer:
        assert answer.status == 201, await answer.text()
    return str(content)


class Stage:
    """Who plays what."""

    def __init__(self, server: RunningServer, client: Client, players: Players) -> None:
        self._server = server
        self._client = client
        self._players = players

    async def _url(self, content: str) -> str:
        viewer = await watch(self._client, content)
        return urljoin(self._server.http_url, str(viewer.session["playbackUrl"]))

    async def hears_and_reads(self, name: str, content: str) -> None:
        async with self._players.playing(name, await self._url(content)) as player:
            await player.shows(0.5, 60)
            await hears(player, "English")
            await player.call("chooseSound", (await player.state()).sounds[1])
            await hears(player, "Deutsch")
            # At its end players load nothing any more, not even captions.
            await player.call("pause")
            await player.seek(0.2)
            for language in ("Deutsch", "English"):
                await player.call("showCaptions", language)
                await reads(player, CUES[language])

    async def reads_after_a_seek(self, content: str) -> None:
        """Into the middle, before any captions were loaded, and back to the beginning."""
        async with self._players.playing("hls.js", await self._url(content)) as player:
            await player.shows(0.2, 60)
            await player.call("pause")
            await player.seek(8.5)
            await player.call("showCaptions", "Deutsch")
            await reads(player, CUES["Deutsch"][1:])
            await player.seek(0.5)
            await reads(player, CUES["Deutsch"])

    async def hears_without_pictures(self, directory: Path) -> None:
        show = await make_show(directory / "show.mka")
        content = await made(self._client, (await upload(self._client, show))["id"])
        async with self._players.playing("hls.js", await self._url(content["id"])) as player:
            await hears(player, "English")
            await player.call("chooseSound", "Sound 2")
            await hears(player, "Deutsch")

    async def extracts(self, content: str) -> None:
        """FFmpeg knows no X-TIMESTAMP-MAP, and gets the times right all the same."""
        process = await asyncio.create_subprocess_exec(
            *(program("bundled ffmpeg"), "-v", "quiet", "-i", await self._url(content)),
            *("-map", "0:s:0", "-f", "webvtt", "-"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(60):
                written, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        cues = dict.fromkeys((cue.start_ms, cue.end_ms, cue.text) for cue in read_captions(written))
        assert [*cues] == [(1_250, 1_750, "eins"), (3_000, 9_500, "zwei"), (10_500, 11_000, "drei")]

    async def hears_live(self) -> None:
        """Tracks of which nobody has said the language."""
        async with self._players.playing("hls.js", await self._url("main")) as player:
            state = await player.shows(0.5, 60)
            assert state.sounds == ["Sound", "Sound 2"]
            await hears(player, "English")
            await player.call("chooseSound", "Sound 2")
            await hears(player, "Deutsch")


async def hears(player: BrowserPlayer, language: str) -> None:
    heard: list[float] = []

    async def right() -> bool | None:
        await player.call("playOn")
        heard.append(await player.call("pitch"))
        return True if abs(heard[-1] - PITCHES[language]) < 12 else None

    try:
        await eventually(right, 60, language)
    except AssertionError:
        raise AssertionError(f"{language} was not heard: {heard[-10:]}") from None


async def reads(player: BrowserPlayer, cues: list[tuple[float, float, str]]) -> None:
    """These cues are there at their times, each once, and no others."""
    found: list[tuple[float, float, str]] = []

    async def right() -> bool | None:
        found[:] = await player.call("timedCues")
        return True if len(found) == len(cues) and all(map(same, found, cues)) else None

    try:
        await eventually(right, 60, "captions")
    except AssertionError:
        raise AssertionError(f"not {cues}, but {found} at {await player.state()}") from None


def same(one: tuple[float, float, str], other: tuple[float, float, str]) -> bool:
    """A player's zero is when the first picture is decoded, which B-frames make earlier."""
    close = all(abs(time - wanted) < 0.02 for time, wanted in zip(one[:2], other[:2], strict=True))
    return close and one[2] == other[2]
