"""Assets in a real Postgres: of sources and of uploads."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from api.catalogue.asset import Asset, AssetState, ClipOf
from api.catalogue.asset_postgres import PostgresAssetStore
from config.postgres import CheckViolationError, Database
from media.delivery import Delivery
from metering.leases.lease import Server
from metering.leases.lease_postgres import PostgresLeases
from metering.offer import Offer
from metering.tariff import Price, RungPrice, Tariff

STARTED = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
ENDED = STARTED + timedelta(minutes=1)


def upload(number: int) -> Asset:
    return Asset(
        id=f"ast_{number}",
        source_id=None,
        owner="acc_one",
        title=f"Film № {number}",
        state=AssetState.PROCESSING,
        offer=Offer.of(Price("XLM", 5_000_000, 3_600)),
        started_at=STARTED + timedelta(seconds=number),
        upload_id=f"upl_{number}",
        delivery=Delivery.KEYS,
    )


@pytest.fixture
async def store(database: Database) -> PostgresAssetStore:
    await database.execute(
        "insert into account (id, kind, display_name, token_hash, created_at)"
        " values ('acc_one', 'creator', 'One', 'one', $1)",
        STARTED,
    )
    return PostgresAssetStore(database)


async def test_an_upload_is_processing_and_then_on_demand(store: PostgresAssetStore) -> None:
    await store.create(upload(1))
    assert await store.get("ast_1") == upload(1)
    await store.end("ast_1", ENDED, 61_500)
    ended = replace(upload(1), state=AssetState.ON_DEMAND, ended_at=ENDED, duration_ms=61_500)
    assert await store.get("ast_1") == ended


async def test_an_asset_is_created_and_ended_once(store: PostgresAssetStore) -> None:
    await store.create(upload(1))
    await store.create(replace(upload(1), title="another"))
    await store.end("ast_1", ENDED, 1_000)
    await store.end("ast_1", ENDED + timedelta(minutes=1), 2_000)
    asset = await store.get("ast_1")
    assert asset is not None
    assert (asset.title, asset.duration_ms) == ("Film № 1", 1_000)


async def test_videos_of_a_creator_are_listed_newest_first(store: PostgresAssetStore) -> None:
    for number in (2, 3, 1):
        await store.create(upload(number))
    await store.create(replace(upload(4), state=AssetState.LIVE))
    assert [each.id for each in await store.videos_of("acc_one", 2)] == ["ast_3", "ast_2"]
    assert await store.videos_of("acc_two", 2) == []
    assert [each.id for each in await store.recent(9)] == ["ast_4", "ast_3", "ast_2", "ast_1"]
    assert [each.id for each in await store.left_live("srv_one")] == ["ast_4"]


async def test_what_another_server_is_making_is_not_left_live(
    store: PostgresAssetStore, database: Database
) -> None:
    for number, server in ((1, "srv_two"), (2, "srv_one")):
        await store.create(replace(upload(number), state=AssetState.LIVE, server=server))
    leases = PostgresLeases(database)
    fence = await leases.acquire(Server("srv_two"), 3_600_000, succeed=True)
    assert [each.id for each in await store.left_live("srv_one")] == ["ast_2"]
    await leases.release(fence)
    assert [each.id for each in await store.left_live("srv_one")] == ["ast_1", "ast_2"]


async def test_a_clip_is_there_from_the_first_and_outlives_its_original(
    store: PostgresAssetStore,
) -> None:
    await store.create(upload(1))
    clip = replace(
        upload(2),
        upload_id=None,
        state=AssetState.ON_DEMAND,
        ended_at=ENDED,
        duration_ms=4_000,
        clip_of=ClipOf("ast_1", 2_000, 6_000),
    )
    await store.create(clip)
    await store.remove("ast_1")
    assert await store.get("ast_2") == clip
    assert await store.videos_of("acc_one", 9) == [clip]
    for wrong in (ClipOf("ast_1", 6_000, 2_000), ClipOf("ast_1", -1, 2_000)):
        with pytest.raises(CheckViolationError):
            await store.create(replace(clip, id="ast_3", clip_of=wrong))


async def test_an_asset_is_made_of_either_a_source_or_an_upload(store: PostgresAssetStore) -> None:
    with pytest.raises(CheckViolationError):
        await store.create(replace(upload(1), upload_id=None))


async def test_an_asset_gets_another_price_with_all_there_may_be(store: PostgresAssetStore) -> None:
    await store.create(upload(1))
    tariff = Tariff(Price("XLM", 7, 3), 5, 60, 900, (RungPrice(720, Price("XLM", 1, 1)),))
    await store.set_offer("ast_1", Offer(tariff, 2_000))
    assert await store.get("ast_1") == replace(upload(1), offer=Offer(tariff, 2_000))
    await store.create(replace(upload(2), offer=Offer(tariff)))
    assert await store.get("ast_2") == replace(upload(2), offer=Offer(tariff))
