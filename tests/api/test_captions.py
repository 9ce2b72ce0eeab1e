"""A creator's captions over HTTP: put, read back, refused with a reason, deleted."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from api.app import answer_errors
from api.auth.account import hash_token
from api.auth.bearer import Bearers
from api.captions import Captions
from api.catalogue.asset import Asset, AssetState
from api.catalogue.lookup import Catalogue
from api.track_document import tracks_json
from config.clock import ManualClock
from config.ids import new_id
from config.limits import API_BODY_BYTES_MAX, CAPTIONS_BYTES_MAX
from metering.offer import Offer
from metering.tariff import Price
from packager.archive import Archive
from packager.library import HlsSettings, Library
from tests.api.upload_server import GUEST_TOKEN, OTHER_TOKEN, TOKEN, Accounts
from tests.packager.clip import audio_clip
from tests.packager.feeding import feed, renditions_of

SRT = b"1\n00:00:01,000 --> 00:00:02,500\n<font color=red>Hallo</font> <i>Welt</i>\n"
VTT = b"WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nHallo <i>Welt</i>\n"
CLIPS = {"audio": audio_clip()}


class Assets:
    """What is asked of the catalogue's store."""

    def __init__(self, asset: Asset) -> None:
        self.asset = asset

    async def get(self, asset_id: str) -> Asset | None:
        return self.asset if asset_id == self.asset.id else None


@dataclass
class Rig:
    client: "TestClient[web.Request, web.Application]"
    library: Library
    assets: Assets

    async def call(
        self, method: str, path: str, body: bytes = b"", status: int = 200, token: str = TOKEN
    ) -> Any:
        """The answer's document or text; its status has to be as said."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/vtt"}
        url = f"/api/v1/content/{self.assets.asset.id}/captions/{path}"
        async with self.client.request(method, url, data=BytesIO(body), headers=headers) as answer:
            assert answer.status == status, await answer.text()
            return await (answer.json() if "json" in answer.content_type else answer.read())

    async def captions(self) -> Any:
        return tracks_json(await self.library.get(self.assets.asset.id))["captions"]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    clock, accounts = ManualClock(), Accounts()
    owner = await accounts.by_token_hash(hash_token(TOKEN))
    assert owner is not None
    library = Library(Archive(tmp_path, clock), clock, HlsSettings(segment_target_ms=2000))
    await library.start()
    now = datetime(2026, 1, 1, tzinfo=UTC)
    offer = Offer.of(Price("XLM", 1, 1))
    state = AssetState.ON_DEMAND
    assets = Assets(Asset(new_id("ast", 0), "src_1", owner.id, "Film", state, offer, now))
    origin = library.start_live(assets.asset.id)
    origin.begin(renditions_of(CLIPS))
    feed(origin, CLIPS)
    origin.end()
    await library.settle(assets.asset.id)
    routes = Captions(Catalogue(assets, None), library, Bearers(accounts, clock))  # type: ignore[arg-type]
    application = web.Application(client_max_size=API_BODY_BYTES_MAX, middlewares=[answer_errors])
    path = "/api/v1/content/{content}/captions/{language}"
    application.add_routes(
        [web.put(path, routes.put), web.get(path, routes.get), web.delete(path, routes.delete)]
    )
    async with TestClient(TestServer(application)) as client:
        yield Rig(client, library, assets)
    await library.stop()


async def test_captions_are_put_read_back_replaced_and_deleted(rig: Rig) -> None:
    """SubRip is taken as well; what is kept is WebVTT with what players show of it."""
    said = await rig.call("PUT", "ger?label=F%C3%BCr%20alle&default=true", SRT, status=201)
    assert said == {
        "language": "de",
        "label": "Für alle",
        "default": True,
        "forced": False,
        "cues": 1,
        "url": f"/api/v1/content/{rig.assets.asset.id}/captions/de",
    }
    assert await rig.call("GET", "de") == VTT
    assert await rig.captions() == [
        {"key": "de", "label": "Für alle", "language": "de", "default": True, "forced": False}
    ]
    await rig.call("PUT", "DE", VTT.replace(b"Hallo", b"Guten Tag"), status=200)
    assert b"Guten Tag" in await rig.call("GET", "de")
    await rig.call("PUT", "und", VTT, status=201)
    assert [each["language"] for each in await rig.captions()] == ["de", "und"]
    await rig.call("DELETE", "de", status=204)
    assert [each["key"] for each in await rig.captions()] == ["und"]
    await rig.call("DELETE", "de", status=404)
    await rig.call("GET", "de", status=404)


async def test_what_cannot_be_captions_is_refused_with_its_line(rig: Rig) -> None:
    problem = await rig.call("PUT", "de", b"WEBVTT\n\n00:09.000 --> 00:08.000\nx", status=400)
    assert (problem["code"], problem["detail"]) == (
        "captions_unreadable",
        "line 3: the cue ends before it begins",
    )
    await rig.call("PUT", "german", VTT, status=400)
    await rig.call("PUT", "de?default=perhaps", VTT, status=400)
    await rig.call("PUT", "de", b"x" * (CAPTIONS_BYTES_MAX + 1), status=413)
    await rig.call("GET", "..", status=404)
    assert await rig.captions() == []


async def test_captions_are_the_owner_s(rig: Rig) -> None:
    await rig.call("PUT", "de", VTT, status=201)
    for token, status in ((OTHER_TOKEN, 404), (GUEST_TOKEN, 403), ("nobody", 401)):
        for method in ("PUT", "GET", "DELETE"):
            await rig.call(method, "de", VTT, status=status, token=token)


async def test_a_live_gets_captions_when_it_is_over(rig: Rig) -> None:
    rig.assets.asset = replace(rig.assets.asset, state=AssetState.LIVE)
    assert (await rig.call("PUT", "de", VTT, status=409))["code"] == "is_live"
    rig.assets.asset = replace(rig.assets.asset, id=new_id("ast", 1), state=AssetState.PROCESSING)
    assert (await rig.call("PUT", "de", VTT, status=409))["code"] == "not_started"
