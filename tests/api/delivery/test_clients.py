"""What sharers of a session get over HTTP, and what its owner does, from both senders.

Clients are real ones on addresses of their own; 127.0.1.x is another network than 127.0.2.x.
"""

import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import pytest

from api.auth.playback_token import Grant
from api.auth.session_clients import SessionClients
from config.clock import ManualClock
from config.limits import CLIENT_STRANGER_MS_MAX
from config.telemetry import render
from tests.api.delivery.site import ASSET, RENDITION, Site, open_site

SEGMENT_S, SEGMENT_MS = 2, 2_000
SHARERS = 10
LEAK_S = CLIENT_STRANGER_MS_MAX // 1000


@dataclass
class Watcher:
    """One client, and the segments that it was given."""

    site: Site
    http: aiohttp.ClientSession
    given: list[int]

    async def get(self, path: str) -> tuple[int, str]:
        async with self.http.get(path) as response:
            body = await response.read()
            media = response.content_type == "video/mp4"
            return response.status, "" if media else body.decode()

    async def has(self, grant: Grant, number: int, token: str | None = None) -> bool:
        """Ask with the session's token, or with another one."""
        path = f"{RENDITION}/{number}.m4s"
        url = self.site.url(grant, path) if token is None else f"/hls/{ASSET}/{token}/{path}"
        status, said = await self.get(url)
        assert (status, said) == (200, "") or (status == 403 and '"session_shared"' in said)
        self.given += [number] * (status == 200)
        return status == 200


type Enter = Callable[..., Awaitable[Watcher]]


@dataclass
class Rig:
    site: Site
    clock: ManualClock
    clients: SessionClients
    enter: Enter

    async def wait(self) -> None:
        """Until the next segment's time has come, and what was watched is charged."""
        self.clock.advance(SEGMENT_MS)
        await self.site.intake.sweep()


@contextlib.asynccontextmanager
async def open_rig(*, raw: bool, trusted: tuple[str, ...] = ()) -> AsyncIterator[Rig]:
    clock = ManualClock()
    clients = SessionClients(clock)
    async with (
        open_site(raw=raw, clients=clients, clock=clock, trusted=trusted) as site,
        contextlib.AsyncExitStack() as stack,
    ):
        site.film.segments = 300
        site.film.sizes = dict.fromkeys(range(300), 2_000)

        async def enter(address: str, agent: str, **fields: str) -> Watcher:
            connector = aiohttp.TCPConnector(local_addr=(address, 0))
            headers = {"User-Agent": agent, **fields}
            http = aiohttp.ClientSession(
                f"http://127.0.0.1:{site.port}", connector=connector, headers=headers
            )
            return Watcher(site, await stack.enter_async_context(http), [])

        yield Rig(site, clock, clients, enter)


@pytest.fixture(params=[True, False], ids=["raw", "aiohttp"])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with open_rig(raw=request.param) as rig:
        yield rig


def refusals() -> float:
    found = re.findall(
        r"^tollcast_session_clients_refused_total\{.*\} (.+)$", render().decode(), re.M
    )
    return sum(map(float, found))


async def test_a_leaked_playlist_is_playable_for_two_minutes_when_its_owner_has_left(
    rig: Rig,
) -> None:
    grant, before = await rig.site.session(), refusals()
    owner = await rig.enter("127.0.1.1", "owner")
    for number in range(5):
        assert await owner.has(grant, number)
        await rig.wait()
    thief = await rig.enter("127.0.2.1", "thief")
    began, seconds = rig.clock.monotonic_ms(), 0
    status, _ = await thief.get(rig.site.url(grant, f"{RENDITION}/index.m3u8"))
    assert status == 200  # which is worth nothing by itself
    for number in range(5, 5 + LEAK_S * 2 // 3):
        if await thief.has(grant, number):
            seconds = (rig.clock.monotonic_ms() - began) // 1000 + SEGMENT_S
        await rig.wait()
    assert 0 < seconds <= LEAK_S
    assert await owner.has(grant, 5)
    assert refusals() > before


async def test_a_leaked_media_uri_is_playable_for_seconds_while_its_owner_plays(rig: Rig) -> None:
    """Also to a thief who says to be the same program."""
    grant = await rig.site.session()
    token = rig.site.tokens.media_token(grant, ASSET, 0).decode()
    owner = await rig.enter("127.0.1.1", "program")
    thief = await rig.enter("127.0.2.1", "program")
    for number in range(32):
        assert await owner.has(grant, number)
        await thief.has(grant, number, token)
        await rig.wait()
    assert 0 < len(thief.given) * SEGMENT_S < SHARERS
    assert await rig.site.billed_seconds(grant) == 32 * SEGMENT_S


async def test_ten_sharers_at_the_same_place_have_less_than_a_second_each_for_nothing(
    rig: Rig,
) -> None:
    grant = await rig.site.session()
    sharers = [await rig.enter(f"127.0.{n}.1", "program") for n in range(1, 1 + SHARERS)]
    for number in range(15):
        for sharer in sharers[number % SHARERS :] + sharers[: number % SHARERS]:
            await sharer.has(grant, number)
        await rig.wait()
    given = sum(len(sharer.given) for sharer in sharers)
    assert len(sharers[0].given) == 15  # whoever was there first goes on
    billed = await rig.site.billed_seconds(grant)
    assert billed == 15 * SEGMENT_S
    assert 0 < given * SEGMENT_S - billed < SHARERS


async def test_a_person_who_moves_goes_on(rig: Rig) -> None:
    """From Wi-Fi to mobile and back, with the segment that was under way asked for again; the
    playlist is fetched by another program.
    """
    grant = await rig.site.session()
    at_home = await rig.enter("127.0.1.1", "media stack")
    on_the_way = await rig.enter("127.0.2.1", "media stack")
    page = await rig.enter("127.0.3.1", "browser")
    number = 0
    for player in (at_home, on_the_way, at_home):
        number -= number > 0
        for _ in range(10):
            assert (await page.get(rig.site.url(grant, f"{RENDITION}/index.m3u8")))[0] == 200
            assert await player.has(grant, number)
            await rig.wait()
            number += 1
    assert await rig.site.billed_seconds(grant) == number * SEGMENT_S


async def test_a_session_goes_on_where_its_owner_is_seen(rig: Rig) -> None:
    grant = await rig.site.session()
    first, second = await rig.enter("127.0.1.1", "a"), await rig.enter("127.0.2.1", "b")
    for number in range(8):
        await first.has(grant, number)
        await second.has(grant, number)
        await rig.wait()
    assert not await second.has(grant, 7)
    rig.clients.prove(grant.session_id, 0x7F0002)
    assert await second.has(grant, 7)
    assert not await first.has(grant, 7)


@pytest.mark.parametrize("raw", [True, False], ids=["raw", "aiohttp"])
async def test_behind_a_trusted_proxy_clients_are_those_that_it_asks_for(raw: bool) -> None:
    async with open_rig(raw=raw, trusted=("127.0.9.0/24",)) as rig:
        grant = await rig.site.session()
        fields = [{"X-Forwarded-For": f"198.51.{n}.7, 127.0.9.2"} for n in (100, 101)]
        own, other = [await rig.enter("127.0.9.1", "program", **each) for each in fields]
        # One of the same home, by another edge of the proxy.
        again = await rig.enter("127.0.9.8", "program", **{"X-Forwarded-For": "198.51.100.9"})
        for number in range(8):
            assert await own.has(grant, number)
            assert await again.has(grant, number)
            await other.has(grant, number)
            await rig.wait()
        assert 0 < len(other.given) < 8
