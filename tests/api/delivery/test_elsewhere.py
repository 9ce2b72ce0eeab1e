"""Players that ask another server than the one which meters their session.

Two meters on one store, each behind the rules of delivery, without sockets.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from api.auth.playback_token import Grant, PlaybackTokens
from api.delivery.answer import Answer
from api.delivery.playback import Playback
from api.delivery.request import UNCONDITIONAL, MediaRequest, read_target
from config.clock import ManualClock
from metering.errors import MeteredElsewhere, SessionClosed
from metering.intake import Intake
from metering.leases.lease import Server
from metering.rules import MeterRules
from metering.store import MemoryMeterStore
from metering.tariff import Price
from tests.api.delivery.site import ASSET, MULTIVARIANT, PATIENCE_MS, RENDITION, Film

URL = "https://one.example"
_ONE, _TWO = Server("srv_one", URL), Server("srv_two", "https://two.example")
_SEGMENT, _PLAYLIST = f"{RENDITION}/1.m4s", f"{RENDITION}/index.m3u8"


@dataclass
class Shelf:
    """Has one film, or lacks it."""

    film: Film | None

    def at_hand(self, asset_id: str) -> Film | None:
        return self.film if asset_id == ASSET else None

    async def get(self, asset_id: str) -> Film | None:
        return self.at_hand(asset_id)


@dataclass
class Pair:
    """The session is the first server's, and is asked for at the second."""

    one: Intake
    two: Intake
    shelf: Shelf
    playback: Playback
    grant: Grant
    token: str

    async def ask(self, path: str, query: str = "", method: str = "GET") -> Answer:
        pairs = [tuple(each.split("=")) for each in query.split("&") if each]
        target = read_target(path, [(name, value) for name, value in pairs])
        request = MediaRequest(method, ASSET, self.token, target, UNCONDITIONAL)
        return await self.playback.answer(request)

    async def location(self, path: str, query: str = "", method: str = "GET") -> str:
        answer = await self.ask(path, query, method)
        assert (answer.status, bytes(answer.body), answer.delivery) == (307, b"", None)
        fields = dict(answer.pairs())
        # Pages of other sites follow it only so (Fetch, 4.4).
        assert fields["Access-Control-Allow-Origin"] == "*"
        assert fields["Cache-Control"] == "no-store"
        return fields["Location"].removeprefix(f"{URL}/hls/{ASSET}/{self.token}/")


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    clock = ManualClock()
    store = MemoryMeterStore(clock=clock)
    one = Intake(store, clock, MeterRules(), server=_ONE)
    two = Intake(store, clock, MeterRules(), server=_TWO)
    await one.start()
    await two.start()
    summary = await one.open("acc_viewer", ASSET, "acc_creator", Price("XLM", 0, 1))
    tokens, grant = (
        PlaybackTokens(bytes(32)),
        Grant(summary.session_id, clock.wall_ms() // 1000 + 3_600),
    )
    shelf = Shelf(Film(settled=True, whole=True, live=False))
    playback = Playback(shelf, two, tokens, clock, PATIENCE_MS)
    yield Pair(one, two, shelf, playback, grant, tokens.session_token(grant, ASSET))
    await one.stop()
    await two.stop()


async def test_media_is_asked_for_where_its_session_is_metered(pair: Pair) -> None:
    for path in (_SEGMENT, f"{RENDITION}/init-0.mp4", f"{RENDITION}/1.0.m4s"):
        assert await pair.location(path) == path
        assert await pair.location(path, method="HEAD") == path


async def test_playlists_that_stay_are_told_by_whoever_is_asked(pair: Pair) -> None:
    """A player would ask only there from then on, also when that server has ended."""
    assert bytes((await pair.ask("master.m3u8")).body) == MULTIVARIANT
    assert (await pair.ask(_PLAYLIST)).status == 200


async def test_what_is_still_made_elsewhere_is_told_there(pair: Pair) -> None:
    """To who has only the archive, what is live looks as if it were over."""
    pair.shelf.film = Film(settled=True, live=False)
    assert await pair.location("master.m3u8") == "master.m3u8"
    query = "_HLS_msn=7&_HLS_part=2&_HLS_skip=YES"
    assert await pair.location(_PLAYLIST, query) == f"{_PLAYLIST}?{query}"
    pair.shelf.film = None
    assert await pair.location(_PLAYLIST) == _PLAYLIST


async def test_nobody_is_sent_where_nobody_is(pair: Pair) -> None:
    """What was taken over meanwhile is served here; until then the player asks again."""
    await pair.one.stop()
    with pytest.raises(MeteredElsewhere):
        await pair.ask(_SEGMENT)
    await pair.two.stop()
    await pair.two.start()
    assert (await pair.ask(_SEGMENT)).status == 200


async def test_what_is_over_is_over_everywhere(pair: Pair) -> None:
    await pair.one.close(pair.grant.session_id)
    for path in ("master.m3u8", _SEGMENT):
        with pytest.raises(SessionClosed):
            await pair.ask(path)
