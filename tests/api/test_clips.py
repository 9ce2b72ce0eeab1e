"""A creator's clips over HTTP: made, described, watched, refused with a reason."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from api.app import answer_errors
from api.auth.account import hash_token
from api.auth.bearer import Bearers
from api.catalogue.asset import Asset, AssetState, ClipOf
from api.catalogue.lookup import Catalogue
from api.clips import ClipRoutes
from api.minute_limit import MinuteLimit
from config.clock import ManualClock
from config.ids import new_id
from media.delivery import Delivery
from metering.offer import Offer
from metering.tariff import Price
from packager.archive import Archive
from packager.clips import Clips, CutClip
from packager.library import HlsSettings, Library
from tests.api.upload_server import GUEST_TOKEN, OTHER_TOKEN, TOKEN, Accounts
from tests.packager.clip import audio_clip
from tests.packager.feeding import feed, renditions_of

CLIPS = {"audio": audio_clip()}
PER_MINUTE = 5


class Assets:
    """What is asked of the catalogue's store."""

    def __init__(self) -> None:
        self.known: dict[str, Asset] = {}

    async def create(self, asset: Asset) -> None:
        self.known[asset.id] = asset

    async def remove(self, asset_id: str) -> None:
        del self.known[asset_id]

    async def get(self, asset_id: str) -> Asset | None:
        return self.known.get(asset_id)


class FailingClips(Clips):
    """Finds what it has cut deleted when it is to be published."""

    fails = False

    async def publish(self, clip: CutClip, clip_id: str) -> None:
        if self.fails:
            await self.discard(clip)
        await super().publish(clip, clip_id)


@dataclass
class Rig:
    client: "TestClient[web.Request, web.Application]"
    library: Library
    assets: Assets
    clips: FailingClips
    clock: ManualClock
    original: Asset

    async def post(self, body: Any, status: int = 201, token: str = TOKEN) -> Any:
        url = f"/api/v1/content/{self.original.id}/clips"
        headers = {"Authorization": f"Bearer {token}"}
        async with self.client.post(url, json=body, headers=headers) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json(content_type=None)

    async def refused(self, body: Any, status: int, token: str = TOKEN) -> str:
        code: str = (await self.post(body, status, token))["code"]
        return code


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    clock, accounts, assets = ManualClock(), Accounts(), Assets()
    owner = await accounts.by_token_hash(hash_token(TOKEN))
    assert owner is not None
    library = Library(Archive(tmp_path, clock), clock, HlsSettings(segment_target_ms=2000))
    await library.start()
    original = Asset(
        new_id("ast", 0),
        "src_1",
        owner.id,
        "Film",
        AssetState.ON_DEMAND,
        Offer.of(Price("XLM", 7, 3)),
        datetime(2026, 1, 1, tzinfo=UTC),
        delivery=Delivery.KEYS,
    )
    await assets.create(original)
    origin = library.start_live(original.id)
    origin.begin(renditions_of(CLIPS))
    feed(origin, CLIPS)
    origin.end()
    await library.settle(original.id)

    async def document(asset_id: str) -> Mapping[str, object]:
        return {"id": asset_id}

    clips = FailingClips(tmp_path)
    limit = MinuteLimit(clock, PER_MINUTE)
    catalogue = Catalogue(assets, None)  # type: ignore[arg-type]
    routes = ClipRoutes(catalogue, Bearers(accounts, clock), clips, limit, document, clock)
    application = web.Application(middlewares=[answer_errors])
    application.router.add_post("/api/v1/content/{content}/clips", routes.post)
    async with TestClient(TestServer(application)) as client:
        yield Rig(client, library, assets, clips, clock, original)
    await library.stop()


async def test_a_clip_has_the_terms_of_its_original_and_tells_its_real_range(rig: Rig) -> None:
    made = rig.assets.known[(await rig.post({"startSeconds": 3.5, "endSeconds": 5}))["id"]]
    assert made.clip_of == ClipOf(rig.original.id, 2_000, 6_000)
    assert (made.state, made.duration_ms) == (AssetState.ON_DEMAND, 4_000)
    assert (made.title, made.owner) == ("Film (clip)", rig.original.owner)
    assert (made.offer, made.delivery) == (rig.original.offer, Delivery.KEYS)
    package = await rig.library.get(made.id)
    assert package is not None
    assert package.duration == 4 * 90_000


async def test_a_clip_may_have_a_title_and_a_price_of_its_own(rig: Rig) -> None:
    price = {"stroops": 0, "seconds": 1}
    body = {"startSeconds": -1, "title": " The\u202eend\n", "price": price}
    made = rig.assets.known[(await rig.post(body))["id"]]
    assert (made.title, made.offer) == ("Theend", Offer.of(Price("XLM", 0, 1)))
    assert made.clip_of is not None
    assert made.clip_of.start_ms == 6_000
    assert made.clip_of.end_ms == pytest.approx(8_000, abs=30)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"startSeconds": 5, "endSeconds": 5}, "invalid_request"),
        ({"startSeconds": 5, "endSeconds": 4}, "invalid_request"),
        ({"startSeconds": "5"}, "invalid_request"),
        ({"startSeconds": 5, "endSeconds": float("inf")}, "invalid_request"),
        ({"startSeconds": 5, "endSeconds": 1e300}, "invalid_request"),
        ({"endSeconds": 4}, "invalid_request"),
        ({"startSeconds": 1, "endSeconds": 4, "owner": "me"}, "invalid_request"),
        ({"startSeconds": 8.5, "endSeconds": 9}, "outside_recording"),
        ({"startSeconds": 1, "endSeconds": 20}, "outside_recording"),
        ({"startSeconds": 1, "endSeconds": -20}, "outside_recording"),
    ],
)
async def test_a_range_that_cannot_be_is_refused(rig: Rig, body: Any, code: str) -> None:
    assert await rig.refused(body, 400) == code
    assert list(rig.assets.known) == [rig.original.id]


async def test_only_its_owner_clips_and_not_all_the_time(rig: Rig) -> None:
    body = {"startSeconds": 0, "endSeconds": 1}
    assert await rig.refused(body, 404, OTHER_TOKEN) == "not_found"
    assert await rig.refused(body, 403, GUEST_TOKEN) == "forbidden"
    for _ in range(PER_MINUTE):
        await rig.post(body)
    assert await rig.refused(body, 429) == "too_many_clips"
    rig.clock.advance(60_000)
    await rig.post(body)


async def test_a_clip_that_is_not_finished_leaves_nothing(rig: Rig) -> None:
    rig.clips.fails = True
    assert await rig.refused({"startSeconds": 0, "endSeconds": 1}, 503) == "try_again"
    assert list(rig.assets.known) == [rig.original.id]


async def test_of_a_live_there_is_nothing_before_its_first_segment(rig: Rig) -> None:
    other = replace(rig.original, id=new_id("ast", 1), state=AssetState.LIVE)
    await rig.assets.create(other)
    rig.original = other
    assert await rig.refused({"startSeconds": 0, "endSeconds": 1}, 409) == "not_started"
