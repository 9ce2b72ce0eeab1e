"""What tokens open over HTTP, from both senders: their own files while the session is open."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import aiohttp
import pytest

from api.auth.playback_token import Grant
from config.ids import new_id
from packager.naming import init_name
from tests.api.delivery.site import ASSET, RENDITION, Site, open_site

OTHER_ASSET = new_id("ast", 1)
PLAYLISTS = ["master.m3u8", f"{RENDITION}/index.m3u8"]
INIT = f"{RENDITION}/{init_name(0)}"
FILES = [f"{RENDITION}/0.m4s", f"{RENDITION}/1.3.m4s"]
OF_GROUP_1 = [f"{RENDITION}/32.m4s", f"{RENDITION}/33.0.m4s"]


@pytest.fixture(params=[True, False], ids=["raw", "aiohttp"])
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with open_site(raw=request.param) as site:
        site.film.segments = 40
        yield site


@pytest.fixture
async def http(site: Site) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{site.port}") as http:
        yield http


async def status(http: aiohttp.ClientSession, asset: str, token: str, path: str) -> int:
    async with http.get(f"/hls/{asset}/{token}/{path}") as response:
        body = await response.read()
        assert response.status == 200 or len(body) < 1_000
        return response.status


def media(site: Site, grant: Grant, group: int = 0) -> str:
    return site.tokens.media_token(grant, ASSET, group).decode()


def tampered(token: str, parts: list[int]) -> Iterator[str]:
    """The token with a character changed in each of its parts, cut, and longer."""
    start = 0
    for length in parts:
        for place in start, start + length - 1:
            other = "0" if token[place] != "0" else "1"
            yield token[:place] + other + token[place + 1 :]
            yield token[:place] + token[place].swapcase().replace("1", "l") + token[place + 1 :]
        yield token[:start]
        start += length
    yield token + "0"


async def test_each_kind_of_token_opens_its_own_files(
    site: Site, http: aiohttp.ClientSession
) -> None:
    grant = await site.session()
    session = site.tokens.session_token(grant, ASSET)
    opened = [(session, path) for path in [*PLAYLISTS, INIT, *FILES]]
    opened += [(media(site, grant), path) for path in FILES]
    opened += [(media(site, grant, 1), path) for path in OF_GROUP_1[1:]]
    assert [await status(http, ASSET, *each) for each in opened] == [200] * len(opened)


async def test_no_other_token_opens_anything(site: Site, http: aiohttp.ClientSession) -> None:
    grant = await site.session()
    over = replace(grant, expires_s=grant.expires_s - 3_600)
    session, zero, one = (
        site.tokens.session_token(grant, ASSET),
        media(site, grant),
        media(site, grant, 1),
    )
    bad = [(403, ASSET, zero, path) for path in [*PLAYLISTS, INIT, *OF_GROUP_1]]
    bad += [(403, ASSET, one, path) for path in [*PLAYLISTS, INIT, *FILES]]
    bad += [(403, OTHER_ASSET, session, path) for path in [*PLAYLISTS, INIT, *FILES]]
    bad += [(401, OTHER_ASSET, zero, path) for path in FILES]
    bad += [(401, ASSET, site.tokens.session_token(over, ASSET), path) for path in PLAYLISTS]
    bad += [(401, ASSET, media(site, over), path) for path in FILES]
    false = [*tampered(session, [26, 26, 8, 22]), *tampered(zero, [26, 8, 6, 22])]
    false = [token for token in false if token and token not in (session, zero)]
    false += [zero[:-22] + one[-22:], session[:-22] + zero[-22:], "nonsense"]
    bad += [(401, ASSET, token, path) for token in false for path in (PLAYLISTS[1], FILES[0])]
    wrong = [each for each in bad if await status(http, *each[1:]) != each[0]]
    assert wrong == []
    assert len(bad) > 80
    assert await site.delivered_seconds(grant) == 0


async def test_an_ended_sessions_tokens_open_nothing(
    site: Site, http: aiohttp.ClientSession
) -> None:
    grant = await site.session()
    tokens = [site.tokens.session_token(grant, ASSET), media(site, grant)]
    assert await status(http, ASSET, tokens[1], FILES[0]) == 200
    await site.intake.close(grant.session_id)
    for path in [*PLAYLISTS, INIT, *FILES]:
        assert await status(http, ASSET, tokens[0], path) == 403
    for path in FILES:
        assert await status(http, ASSET, tokens[1], path) == 403
