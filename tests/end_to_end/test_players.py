"""What players of all kinds are given keeps the rules of HLS, and all of them play it."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest

from config.tasks import spawn
from tests.end_to_end.browser_players import BrowserPlayer, Players, browser_players
from tests.end_to_end.conftest import StartServer
from tests.end_to_end.faulty_publisher import Cut, FaultyPublisher, make_clip
from tests.end_to_end.films import made, upload
from tests.end_to_end.program_players import PLAYERS, play
from tests.end_to_end.running_server import Client, RunningServer, client_of
from tests.end_to_end.viewer import watch
from tests.hls_validator.observation import Observation
from tests.hls_validator.recorder import Recorder
from tests.hls_validator.rule import Rule
from tests.hls_validator.validator import validate
from tests.programs import program

pytestmark = [pytest.mark.end_to_end, pytest.mark.alone, pytest.mark.peer, pytest.mark.timeout(240)]

# A live is long enough for any player to begin with, and the rules see a window slide.
LIVE_BEFORE_SECONDS, OBSERVED_SECONDS = 8, 24
PLAYED_SECONDS, PLAY_SECONDS_MAX = 4.0, 30.0
HEIGHTS = (360, 180, 144)
# Who cannot play a kind. Both demuxers of GStreamer (1.22, and its newest source) decrypt an init
# section and the first segment after it as if they were one file, with that segment's key: whether
# the former is in clear, as here and by RFC 8216 (4.3.2.4) where EXT-X-KEY comes after EXT-X-MAP,
# or encrypted by itself. Where nothing is encrypted before the second segment they play on. FFmpeg
# (5.1 and 9.0), and mpv by it, decrypt samples in MPEG-TS only, and give those of fragmented MP4
# to the decoder as they are; hls.js does so with keys that are not for a DRM module, as our own
# pages hand them to (see `test_key_mode`). Shaka takes the time of day for that of the stream, and
# jumps beyond what there is after a gap. The older demuxer of GStreamer stops where the picture's
# size changes. hls.js, which has to be there before a drop to be of interest, is in
# `test_reconnect`.
CANNOT = {
    "drops": {"shaka", "hlsdemux", "hls.js"},
    "keys": {"hlsdemux", "hlsdemux2"},
    "vod-keys": {"hlsdemux", "hlsdemux2"},
    "cbcs": {"ffmpeg", "hlsdemux", "hlsdemux2", "mpv", "hls.js"},
}
# So many play at once as two processors can decode.
PLAYERS_AT_ONCE = 10
# What was on its way when a publisher dropped lasts until the longer of sound and picture ends.
ALLOWED = {"drops": {Rule.PART_LONG_ENOUGH, Rule.PARTS_SUM, Rule.DURATION_TRUE}}
FILM_SECONDS = 16
# Of pictures 40 ms apart: none is missing.
STEP_SECONDS_MAX = 0.1
CAPTIONS = "WEBVTT\n\n00:00:01.000 --> 00:00:15.000\nWords that are shown\n"

LIVES: dict[str, dict[str, Any]] = {
    "low-latency": {},
    "dvr": {"dvrSeconds": None},
    "keys": {"delivery": "keys"},
    "cbcs": {"delivery": "keys-cbcs"},
}


@dataclass(frozen=True)
class Stage:
    """What everybody plays: names of contents, by what is special of each."""

    server: RunningServer
    creator: Client
    contents: dict[str, str]
    players: Players

    async def url(self, kind: str) -> str:
        """Of a session that is new."""
        viewer = await watch(self.creator, self.contents[kind])
        return urljoin(self.server.http_url, str(viewer.session["playbackUrl"]))


async def test_all_players_play_all_that_there_is_and_no_rule_is_broken(
    start: StartServer, tmp_path: Path
) -> None:
    """Everything at once: validators of every kind of playlist, and every player of every kind."""
    film, server = await asyncio.gather(make_bilingual_film(tmp_path / "film.mp4"), start())
    async with (
        client_of(server, **server.creator) as creator,
        published(server, creator),
        browser_players() as players,
    ):
        contents = {**{name: name for name in (*LIVES, "drops")}, **await on_demand(creator, film)}
        stage = Stage(server, creator, contents, players)
        await asyncio.sleep(LIVE_BEFORE_SECONDS)
        results = await asyncio.gather(
            *(observed(stage, kind) for kind in contents),
            *played_all(stage),
            return_exceptions=True,
        )
    failures = [str(result) for result in results if isinstance(result, BaseException)]
    assert not failures, "\n".join(failures)


async def make_bilingual_film(path: Path) -> Path:
    """With two tracks of sound, and keyframes as they are wanted, so that it is copied."""
    tones = [
        ("-f", "lavfi", "-i", f"sine=frequency={pitch}:sample_rate=48000") for pitch in (440, 660)
    ]
    process = await asyncio.create_subprocess_exec(
        *(program("bundled ffmpeg"), "-hide_banner", "-loglevel", "error", "-y"),
        *("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25"),
        *(word for tone in tones for word in tone),
        *("-map", "0:v", "-map", "1:a", "-map", "2:a", "-t", str(FILM_SECONDS)),
        *("-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "main", "-pix_fmt", "yuv420p"),
        *("-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-c:a", "aac", "-b:a", "96k"),
        *("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu", str(path)),
        stdin=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0
    return path


@contextlib.asynccontextmanager
async def published(server: RunningServer, creator: Client) -> AsyncIterator[None]:
    """One encoder for all lives, and one more whose connection breaks."""
    urls = [await new_source(creator, name, terms) for name, terms in LIVES.items()]
    process = await asyncio.create_subprocess_exec(
        *(program("ffmpeg"), "-hide_banner", "-loglevel", "error", "-re"),
        *("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25"),
        *(
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=440:sample_rate=48000",
            "-map",
            "0:v",
            "-map",
            "1:a",
        ),
        *("-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "main", "-pix_fmt", "yuv420p"),
        *("-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-b:v", "800k"),
        *("-c:a", "aac", "-b:a", "96k", "-flags", "+global_header"),
        *("-f", "tee", "|".join(f"[f=flv]{url}" for url in urls)),
        stdin=asyncio.subprocess.DEVNULL,
    )
    key = (await new_source(creator, "drops", {"reconnectSeconds": 60})).rpartition("/")[2]
    port = int(server.rtmp_url.rpartition(":")[2].partition("/")[0])
    faulty = FaultyPublisher(port, key)
    await faulty.publish(make_clip(320, 180), 0)
    dropping = spawn(drop_and_return(faulty), name="drops and returns")
    try:
        yield
    finally:
        dropping.cancel()
        await asyncio.wait({dropping})
        await faulty.abandon()
        process.terminate()
        await process.wait()


async def new_source(creator: Client, name: str, terms: dict[str, Any]) -> str:
    """Where to publish to it."""
    made = await creator.post("/api/v1/sources", {"name": name, **terms}, status=201)
    return f"{made['source']['rtmpUrl']}/{made['streamKey']}"


async def drop_and_return(publisher: FaultyPublisher) -> None:
    """While validators look; with other parameters the second time."""
    for width, height in ((320, 180), (256, 144)):
        await asyncio.sleep(LIVE_BEFORE_SECONDS + 6)
        await publisher.cut(Cut.MID_GROUP)
        await asyncio.sleep(3)
        await publisher.publish(make_clip(width, height), 0)


async def on_demand(creator: Client, film: Path) -> dict[str, str]:
    """A film with captions and two languages, a clip of it, and the film in key mode."""
    plain, keyed = await asyncio.gather(
        upload(creator, film, title="Bilingual"),
        upload(creator, film, title="In key mode", delivery="keys"),
    )
    await asyncio.gather(*(made(creator, each["id"]) for each in (plain, keyed)))
    address = f"/api/v1/content/{plain['id']}/captions/en?label=English"
    async with creator.http.put(
        address, data=CAPTIONS, headers={"Content-Type": "text/vtt"}
    ) as answer:
        assert answer.status in (200, 201, 204), await answer.text()
    cut = {"startSeconds": 4, "endSeconds": 12}
    clip = await creator.post(f"/api/v1/content/{plain['id']}/clips", cut, status=201)
    return {"vod": plain["id"], "vod-keys": keyed["id"], "clip": clip["id"]}


async def observed(stage: Stage, kind: str) -> None:
    """No rule of HLS is broken, and there was something to look at."""
    url = await stage.url(kind)
    async with aiohttp.ClientSession() as http:
        observation = await Recorder(http, url).run(OBSERVED_SECONDS)
    found = await asyncio.to_thread(validate, observation)
    broken = [one for one in found if one.rule not in ALLOWED.get(kind, ())]
    assert not broken, f"{kind}:\n" + "\n".join(map(str, broken[:20]))
    assert seen(observation, kind), f"{kind}: hardly anything was seen"


def seen(observation: Observation, kind: str) -> bool:
    """Whether rules had something to be about."""
    lasting = [snapshots[-1].text.count("#EXTINF") for snapshots in observation.snapshots.values()]
    return len(lasting) >= 2 and min(lasting) >= 3 and len(observation.files) > 2 * len(lasting)


def played_all(stage: Stage) -> list[Coroutine[Any, Any, None]]:
    """Every player with everything that it can play, not all at once."""
    turns = asyncio.Semaphore(PLAYERS_AT_ONCE)
    return [
        played(stage, player, kind, turns)
        for kind in stage.contents
        for player in (*PLAYERS, "hls.js", "shaka")
        if player not in CANNOT.get(kind, ())
    ]


async def played(stage: Stage, player: str, kind: str, turns: asyncio.Semaphore) -> None:
    async with turns:
        try:
            await (by_program if player in PLAYERS else by_browser)(stage, player, kind)
        except AssertionError as reason:
            raise AssertionError(f"{player} with {kind}: {reason}") from reason


async def by_program(stage: Stage, name: str, kind: str) -> None:
    shown = await play(PLAYERS[name], await stage.url(kind), PLAYED_SECONDS, PLAY_SECONDS_MAX)
    assert not shown.troubles, shown.troubles[:5]
    # A publisher that drops leaves a gap.
    assert kind == "drops" or shown.longest_step < STEP_SECONDS_MAX, shown.longest_step


async def by_browser(stage: Stage, name: str, kind: str) -> None:
    async with stage.players.playing(name, await stage.url(kind)) as player:
        state = await player.shows(PLAYED_SECONDS, PLAY_SECONDS_MAX)
        assert state.height in HEIGHTS, state
        if kind in CHECKS:
            await CHECKS[kind](player)


async def goes_back(player: BrowserPlayer) -> None:
    """To the beginning of a live that has a past."""
    before = await player.state()
    assert before.begin is not None
    await player.seek(before.begin + 1)
    after = await player.shows(2, PLAY_SECONDS_MAX)
    assert after.time < before.time, (before, after)


async def speaks_another_language(player: BrowserPlayer) -> None:
    """Whether it is heard, and captions are read, is in `test_tracks`."""
    state = await player.state()
    assert len(state.sounds) == 2, state
    await player.call("chooseSound", state.sounds[1])
    await player.shows(2, PLAY_SECONDS_MAX)
    assert await player.call("chosenSound") == state.sounds[1]


async def waits_for_parts(player: BrowserPlayer) -> None:
    """As low latency is meant, however far behind a busy machine leaves it."""
    asked = await player.call("asked")
    assert any("_HLS_part=" in url for url in asked), asked
    assert any(re.search(r"/\d+\.\d+\.m4s$", url) for url in asked), asked


CHECKS: dict[str, Callable[[BrowserPlayer], Awaitable[None]]] = {
    "low-latency": waits_for_parts,
    "dvr": goes_back,
    "vod": speaks_another_language,
}
