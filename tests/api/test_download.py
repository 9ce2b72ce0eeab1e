"""Downloads over HTTP: who gets them, what they are called, and how they go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import av
import pytest
from aiohttp import web

from api.app import answer_errors
from api.auth.account import hash_token
from api.auth.bearer import Bearers
from api.auth.download_link import DownloadGrant, DownloadLinks, LinkRefused
from api.catalogue.asset import Asset, AssetState
from api.catalogue.lookup import Catalogue
from api.download import Downloads
from api.download_gate import DownloadGate
from api.errors import Problem
from api.file_name import disposition
from api.http_server import HttpServer
from config.clock import ManualClock
from config.ids import new_id
from config.limits import DOWNLOAD_LINK_SECONDS, DOWNLOADS_MAX, DOWNLOADS_PER_OWNER_MAX
from metering.offer import Offer
from metering.tariff import Price
from packager.archive import Archive
from packager.library import HlsSettings, Library
from packager.movies import Movies
from tests.api.upload_server import GUEST_TOKEN, OTHER_TOKEN, TOKEN, Accounts
from tests.packager.clip import Clip, audio_clip, shifted, video_clip
from tests.packager.feeding import feed, renditions_of

CLIPS: dict[str, Clip] = {"360p": video_clip(64, 36, b_frames=2), "audio": audio_clip()}
KEY = b"k" * 32


class Assets:
    """What is asked of the catalogue's store."""

    def __init__(self) -> None:
        self.known: dict[str, Asset] = {}

    async def get(self, asset_id: str) -> Asset | None:
        return self.known.get(asset_id)


@dataclass
class Rig:
    http: aiohttp.ClientSession
    library: Library
    assets: Assets
    clock: ManualClock
    owner: str

    async def record(self, title: str, *epochs: dict[str, Clip]) -> Asset:
        started = datetime(2026, 1, 1, tzinfo=UTC)
        asset_id = new_id("ast", 0)
        origin = self.library.start_live(asset_id)
        for clips in epochs:
            origin.begin(renditions_of(clips))
            feed(origin, clips)
        origin.end()
        await self.library.settle(asset_id)
        state, price = AssetState.ON_DEMAND, Offer.of(Price("XLM", 1, 1))
        asset = Asset(asset_id, "src_1", self.owner, title, state, price, started)
        self.assets.known[asset_id] = asset
        return asset

    def ask(self, method: str, path: str, token: str = TOKEN, **fields: str) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity", **fields}
        return self.http.request(method, path, headers=headers)

    async def body(self, path: str, status: int = 200, **fields: str) -> bytes:
        async with self.ask("GET", path, **fields) as answer:
            assert answer.status == status, await answer.text()
            read: bytes = await answer.read()
            return read

    async def problem(self, path: str, status: int, token: str = TOKEN) -> Any:
        async with self.ask("GET", path, token) as answer:
            assert answer.status == status
            return await answer.json(content_type="application/problem+json")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    clock, accounts, assets = ManualClock(), Accounts(), Assets()
    owner = await accounts.by_token_hash(hash_token(TOKEN))
    assert owner is not None
    async with AsyncExitStack() as stack:
        library = Library(Archive(tmp_path, clock), clock, HlsSettings(segment_target_ms=2000))
        stack.push_async_callback(library.stop)
        await library.start()
        routes = Downloads(
            Catalogue(assets, None),  # type: ignore[arg-type]
            Bearers(accounts, clock),
            Movies(tmp_path),
            DownloadLinks(KEY),
            DownloadGate(),
            clock,
        )
        application = web.Application(middlewares=[answer_errors])
        application.add_routes(
            [
                web.get("/api/v1/content/{content}/download", routes.get),
                web.post("/api/v1/content/{content}/download-links", routes.create_link),
                web.get("/api/v1/downloads/{link}", routes.follow_link),
            ]
        )
        server = HttpServer(application, "127.0.0.1", 0)
        stack.push_async_callback(server.stop)
        await server.start()
        http = aiohttp.ClientSession(f"http://127.0.0.1:{server.port}", auto_decompress=False)
        await stack.enter_async_context(http)
        yield Rig(http, library, assets, clock, owner.id)


def address(asset: Asset) -> str:
    return f"/api/v1/content/{asset.id}/download"


async def test_its_owner_gets_a_film_under_its_title_and_goes_on_where_it_broke_off(
    rig: Rig,
) -> None:
    asset = await rig.record('Zürich "live" / 1', CLIPS)
    async with rig.ask("GET", address(asset)) as answer:
        file = await answer.read()
        assert answer.headers["Content-Length"] == str(len(file))
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.content_type == "video/mp4"
        assert answer.headers["Content-Disposition"] == (
            'attachment; filename="Z_rich _live_ _ 1.mp4"; '
            "filename*=UTF-8''Z%C3%BCrich%20_live_%20_%201.mp4"
        )
        tag = answer.headers["ETag"]
    with av.open(BytesIO(file), "r", format="mp4") as container:
        assert sum(1 for _ in container.decode(video=0)) == len(CLIPS["360p"].packets)
    async with rig.ask("HEAD", address(asset)) as answer:
        assert (answer.status, answer.content_length) == (200, len(file))
        assert await answer.read() == b""
    half = len(file) // 2
    rest = {"Range": f"bytes={half}-", "If-Range": tag}
    async with rig.ask("GET", address(asset), **rest) as answer:
        assert answer.status == 206
        assert answer.headers["Content-Range"] == f"bytes {half}-{len(file) - 1}/{len(file)}"
        assert file[:half] + await answer.read() == file
    another = {"Range": f"bytes={half}-", "If-Range": '"another"'}
    assert await rig.body(address(asset), 200, **another) == file
    assert await rig.body(address(asset), 206, Range="bytes=-7") == file[-7:]
    assert await rig.body(address(asset), 304, **{"If-None-Match": tag}) == b""
    async with rig.ask("GET", address(asset), Range=f"bytes={len(file)}-") as answer:
        assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{len(file)}")


async def test_a_link_is_followed_without_a_token_until_its_time_is_over(rig: Rig) -> None:
    asset = await rig.record("Film", CLIPS)
    links = f"/api/v1/content/{asset.id}/download-links"
    async with rig.ask("POST", links) as answer:
        assert answer.status == 201
        url = (await answer.json())["url"]
    file = await rig.body(address(asset))
    async with rig.http.get(url) as answer:
        assert await answer.read() == file
    for wrong in (url[:-1], f"{url}A", "/api/v1/downloads/x", "/api/v1/downloads/%C3%BC"):
        async with rig.http.get(wrong) as answer:
            assert answer.status == 404
    rig.clock.advance(DOWNLOAD_LINK_SECONDS * 1000)
    async with rig.http.get(url) as answer:
        assert answer.status == 404


async def test_others_get_nothing_and_its_owner_is_told_what_is_wrong(rig: Rig) -> None:
    moved = {
        name: replace(clip, packets=shifted(clip.packets, 8 * clip.track.timescale))
        for name, clip in {**CLIPS, "360p": video_clip(80, 44)}.items()
    }
    asset = await rig.record("Two", CLIPS, moved)
    assert (await rig.problem(address(asset), 404, OTHER_TOKEN))["code"] == "not_found"
    assert (await rig.problem(address(asset), 403, GUEST_TOKEN))["code"] == "forbidden"
    several = await rig.problem(address(asset), 409)
    assert several["code"] == "several_parts"
    assert "part=1 from 8 s to 16 s" in several["detail"]
    async with rig.ask("GET", f"{address(asset)}?part=1") as answer:
        assert answer.status == 200
        assert 'filename="Two-2.mp4"' in answer.headers["Content-Disposition"]
    for query, status in (
        ("part=2", 404),
        ("rendition=720p", 404),
        ("part=-1", 400),
        ("part=\u0661", 400),
        ("quality=best", 400),
    ):
        await rig.problem(f"{address(asset)}?{query}", status)
    rig.assets.known[asset.id] = replace(asset, state=AssetState.LIVE)
    assert (await rig.problem(address(asset), 409))["code"] == "is_live"


async def test_a_download_that_its_reader_leaves_makes_room_for_the_next(rig: Rig) -> None:
    asset = await rig.record("Film", {"360p": video_clip(640, 360, seconds=8), **CLIPS})
    for _ in range(3 * DOWNLOADS_PER_OWNER_MAX):
        async with rig.ask("GET", address(asset)) as answer:
            assert answer.status == 200
            await answer.content.readexactly(1)
            answer.close()
    async with asyncio.timeout(30):
        while (await _status(rig, asset)) != 200:  # noqa: ASYNC110 - the server ends it when it sees
            await asyncio.sleep(0.01)


async def _status(rig: Rig, asset: Asset) -> int:
    async with rig.ask("HEAD", address(asset)) as answer:
        status: int = answer.status
        return status


def test_there_is_an_end_to_downloads_at_once() -> None:
    gate, ends = DownloadGate(), []
    for number in range(DOWNLOADS_MAX):
        end = gate.admitted(f"acc_{number // DOWNLOADS_PER_OWNER_MAX}")
        end.__enter__()
        ends.append(end)
    with pytest.raises(Problem) as own, gate.admitted("acc_0"):
        pass
    with pytest.raises(Problem) as others, gate.admitted("acc_other"):
        pass
    assert (own.value.status, others.value.status) == (429, 503)
    for end in ends:
        end.__exit__(None, None, None)
    with gate.admitted("acc_other"):
        pass


def test_a_link_is_good_for_what_it_was_made_for() -> None:
    links, grant = DownloadLinks(KEY), DownloadGrant("ast_1", "720p", 3, 100)
    text = links.sign(grant)
    assert links.read(text, 99) == grant
    for wrong, now in ((text, 100), (text[1:], 0), ("", 0), ("A" * 10_000, 0), ("\0", 0)):
        with pytest.raises(LinkRefused):
            links.read(wrong, now)
    with pytest.raises(LinkRefused):
        DownloadLinks(b"o" * 32).read(text, 99)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Film", "Film.mp4"),
        ("", "video.mp4"),
        ("../../.bashrc", "_.._.bashrc.mp4"),
        ("a\r\nSet-Cookie: x", "a__Set-Cookie_ x.mp4"),
        ("映画", "__.mp4"),
        ("x" * 200, f"{'x' * 60}.mp4"),
    ],
)
def test_no_title_harms_a_file_system_or_a_header(title: str, name: str) -> None:
    assert f'filename="{name}"' in disposition(title, ".mp4")
    assert "\r" not in disposition(title, ".mp4")
