"""Players with habits of all kinds, each in a session of its own, and what they are charged.

That has to lie between what they have shown and the time that they were there (with the two seconds
that are charged as soon as they are delivered), and can never be more than they have fetched. Who
runs away with what was fetched is forgiven as much as the void budget, and no more.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from metering.rules import UNITS_PER_SECOND, MeterRules
from tests.end_to_end.browser_players import BrowserPlayer, Players, browser_players
from tests.end_to_end.films import made, make_film, upload
from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import Client, RunningServer, client_of, guest_of
from tests.end_to_end.viewer import Viewer, files, watch

STARTUP_SECONDS = MeterRules().startup_units // UNITS_PER_SECOND
LEAD_SECONDS = MeterRules().lead_max_units // UNITS_PER_SECOND
VOID_SECONDS = MeterRules().void_units_max // UNITS_PER_SECOND
SEGMENT_SECONDS = 2
# A tick ends with a whole second, and what is shown is not told to the millisecond.
ROUNDING_SECONDS = 1
PLAY_SECONDS_MAX = 60.0
# Long enough to run away with twice what the void budget forgives.
FILM_SECONDS = 2 * VOID_SECONDS + 60
JUMP_SECONDS = 6


@dataclass(frozen=True)
class Charged:
    """What came of a habit.

    Attributes:
        habit: its name.
        shown: seconds that were on the screen.
        fetched: seconds of media that were asked for, in whatever quality.
        present: for how many seconds the session was open.
        seconds: that were charged.
        least, most: how many that may be.
    """

    habit: str
    shown: float
    fetched: float
    present: float
    seconds: int
    least: float
    most: float

    @property
    def is_right(self) -> bool:
        return self.least <= self.seconds <= self.most


@dataclass(frozen=True)
class Stage:
    """Where the players play.

    Attributes:
        film: long, of one quality.
        ladder: short, of several qualities.
    """

    server: RunningServer
    players: Players
    film: str
    ladder: str

    @asynccontextmanager
    async def session(self, content: str) -> AsyncIterator[Viewer]:
        async with guest_of(self.server) as guest:
            yield await watch(guest, content)

    def address(self, viewer: Viewer) -> str:
        return urljoin(self.server.http_url, str(viewer.session["playbackUrl"]))


@asynccontextmanager
async def stage_of(server: RunningServer, directory: Path) -> AsyncIterator[Stage]:
    """A server with two films and a live, and a browser."""
    film, ladder = await asyncio.gather(
        make_film(directory / "film.mp4", FILM_SECONDS, size="320x180", rate=5, keyframes=10),
        make_film(directory / "ladder.mp4", 40, size="854x480", rate=10, keyframes=20),
    )
    async with (
        client_of(server, **server.creator) as creator,
        publishing(f"{server.rtmp_url}/{server.announced['stream_key']}"),
        browser_players() as players,
    ):
        contents = await asyncio.gather(*(on_demand(creator, each) for each in (film, ladder)))
        yield Stage(server, players, *contents)


async def on_demand(creator: Client, film: Path) -> str:
    uploaded = await upload(creator, film, title=film.stem)
    return str((await made(creator, uploaded["id"]))["id"])


async def in_browser(
    stage: Stage,
    content: str,
    act: Callable[[BrowserPlayer], Awaitable[None]],
    **settings: Any,
) -> Charged:
    """Let hls.js do something with a content. Whatever it did, the time that it took is the most
    that is charged, and what it has shown the least.
    """
    loop = asyncio.get_running_loop()
    async with stage.session(content) as viewer:
        began = loop.time()
        async with stage.players.playing("hls.js", stage.address(viewer), **settings) as player:
            await act(player)
            shown = (await player.state()).played
            asked = await player.call("asked")
        charged = int((await viewer.stop())["secondsBilled"])
        present = loop.time() - began
    fetched = seconds_of(asked)
    there = present + STARTUP_SECONDS + ROUNDING_SECONDS
    most = min(there, fetched + ROUNDING_SECONDS)
    least = shown - ROUNDING_SECONDS
    return Charged(act.__name__, shown, fetched, present, charged, least, most)


def seconds_of(asked: list[str]) -> int:
    """How much media files are of, whole or in parts, in whatever rendition."""
    found = {match[1] for each in asked if (match := re.search(r"/(\d+)(?:\.\d+)?\.m4s", each))}
    return SEGMENT_SECONDS * len(found)


async def plays(stage: Stage) -> Charged:
    async def plainly(player: BrowserPlayer) -> None:
        await player.shows(15, PLAY_SECONDS_MAX)

    return await in_browser(stage, stage.film, plainly)


async def plays_live(stage: Stage) -> Charged:
    """In parts of 200 ms, some twenty requests a second."""

    async def live(player: BrowserPlayer) -> None:
        await player.shows(15, PLAY_SECONDS_MAX)

    return await in_browser(stage, "main", live)


async def seeks(stage: Stage) -> Charged:
    """Four times, and once to where it was before: what was fetched ahead is given back."""

    async def seeking(player: BrowserPlayer) -> None:
        for position in (0, 60, 120, 180, 62):
            await player.seek(position)
            await player.shows(3, PLAY_SECONDS_MAX)

    charged = await in_browser(stage, stage.film, seeking)
    most = min(charged.most, charged.shown + 5 * STARTUP_SECONDS + LEAD_SECONDS)
    return replace(charged, most=most)


async def pauses(stage: Stage) -> Charged:
    """What is buffered may be charged while the picture stands, and is never charged again."""

    async def pausing(player: BrowserPlayer) -> None:
        await player.shows(4, PLAY_SECONDS_MAX)
        await player.call("pause")
        await asyncio.sleep(8)
        await player.call("resume")
        await player.shows(6, PLAY_SECONDS_MAX)

    return await in_browser(stage, stage.film, pausing)


async def prefetches(stage: Stage, seconds: int = 600) -> Charged:
    """A player that wants ten minutes ahead is given twenty seconds, and pays for none of them."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def greedily(player: BrowserPlayer) -> None:
        state = await player.shows(14, PLAY_SECONDS_MAX)
        waited = loop.time() - began - state.played
        lead = state.buffered - state.time - waited
        assert lead <= LEAD_SECONDS + STARTUP_SECONDS + SEGMENT_SECONDS, f"{lead:.1f} s ahead"

    settings = {"maxBufferLength": seconds, "maxMaxBufferLength": seconds, "maxBufferSize": 10**9}
    charged = await in_browser(stage, stage.film, greedily, **settings)
    return replace(charged, habit=f"wants {seconds} s ahead")


async def flaps(stage: Stage) -> Charged:
    """Every two seconds another quality, of what was fetched already: media counts once."""

    async def flapping(player: BrowserPlayer) -> None:
        await player.shows(2, PLAY_SECONDS_MAX)
        for level in range(6):
            assert await player.call("chooseLevel", level) > 1, "there are several"
            await player.shows(1.5, PLAY_SECONDS_MAX)

    return await in_browser(stage, stage.ladder, flapping)


async def shares(stage: Stage) -> Charged:
    """Two players on one token, each at its own place: each turn is a jump, and soon all costs."""
    loop = asyncio.get_running_loop()
    async with stage.session(stage.film) as viewer:
        began, url = loop.time(), stage.address(viewer)
        async with (
            stage.players.playing("hls.js", url) as one,
            stage.players.playing("hls.js", url) as other,
        ):
            await other.seek(150)
            await asyncio.sleep(15)
            shown = (await one.state()).played + (await other.state()).played
            fetched = seconds_of([*await one.call("asked"), *await other.call("asked")])
        charged = int((await viewer.stop())["secondsBilled"])
        present = loop.time() - began
    # A request that waits when all ends was never answered.
    least = fetched - VOID_SECONDS - LEAD_SECONDS
    return Charged("two on one token", shown, fetched, present, charged, least, fetched)


async def fetches_and_runs(stage: Stage) -> Charged:
    """Fetch what is given at once, jump on, and do so again: the budget ends, and then it costs."""
    fetched, loop = 0, asyncio.get_running_loop()
    async with stage.session(stage.film) as viewer:
        began = loop.time()
        (playlist,) = [
            (url, one)
            for url, one in (await viewer.media_playlists()).items()
            if "audio" not in url
        ]
        url, names = playlist[0], list(files(playlist[1]).values())
        per_jump = JUMP_SECONDS // SEGMENT_SECONDS
        jumps = range(0, len(names) - per_jump, 2 * per_jump)
        for first in (*jumps, *(jump + per_jump for jump in jumps)):
            for name in names[first : first + per_jump]:
                await viewer.body(urljoin(url, name))
                fetched += SEGMENT_SECONDS
        charged = int((await viewer.stop())["secondsBilled"])
        present = loop.time() - began
    least = fetched - VOID_SECONDS - SEGMENT_SECONDS
    return Charged("fetches and runs", 0, fetched, present, charged, least, fetched)


HABITS = (plays, plays_live, seeks, pauses, prefetches, flaps, shares, fetches_and_runs)


async def habitual(stage: Stage, *habits: Callable[[Stage], Awaitable[Charged]]) -> list[Charged]:
    """All of them at once. Raises: ExceptionGroup, with those that could not be lived."""
    lived = await asyncio.gather(*(habit(stage) for habit in habits), return_exceptions=True)
    if failed := [each for each in lived if isinstance(each, Exception)]:
        raise ExceptionGroup("not all could be lived", failed)
    return [each for each in lived if isinstance(each, Charged)]
