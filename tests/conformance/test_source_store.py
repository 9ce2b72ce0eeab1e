"""Every SourceStore behaves the same."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from config.postgres import Database
from ingest.source import NameTaken, Source, UnknownSource
from ingest.source_postgres import PostgresSourceStore
from ingest.source_store import MemorySourceStore, SourceStore

CREATED_AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)


def source(number: int, owner: str = "acc_one") -> Source:
    return Source(
        id=f"src_{number}",
        owner=owner,
        name=f"camera-{number}",
        title=f"Camera № {number}",
        price_stroops=5_000_000,
        price_seconds=3_600,
        price_asset="XLM",
        key_hash=bytes([number]) * 32,
        created_at=CREATED_AT - timedelta(seconds=number),
    )


@pytest.fixture(params=["memory", "postgres"])
async def store(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[SourceStore]:
    if request.param == "memory":
        yield MemorySourceStore()
        return
    for account in ("acc_one", "acc_two"):
        await database.execute(
            "insert into account (id, kind, display_name, token_hash, created_at)"
            " values ($1, 'creator', $1, $2, $3)",
            account,
            account.encode(),
            CREATED_AT,
        )
    yield PostgresSourceStore(database)


async def test_a_source_is_found_by_id_name_and_key(store: SourceStore) -> None:
    await store.create(source(1))

    assert await store.get("src_1") == source(1)
    assert await store.by_name("camera-1") == source(1)
    assert await store.by_key_hash(bytes([1]) * 32) == source(1)


async def test_what_was_never_stored_is_not_found(store: SourceStore) -> None:
    assert await store.get("src_1") is None
    assert await store.by_name("camera-1") is None
    assert await store.by_key_hash(bytes(32)) is None
    assert await store.list_of("acc_one") == []


async def test_a_name_belongs_to_one_source(store: SourceStore) -> None:
    await store.create(source(1))

    with pytest.raises(NameTaken):
        await store.create(replace(source(2), name="camera-1"))

    assert await store.get("src_2") is None


async def test_an_owner_sees_own_sources_oldest_first(store: SourceStore) -> None:
    for each in (source(1), source(2), source(3, "acc_two")):
        await store.create(each)

    assert [each.id for each in await store.list_of("acc_one")] == ["src_2", "src_1"]
    assert [each.id for each in await store.list_of("acc_two")] == ["src_3"]


async def test_a_new_key_makes_the_old_one_useless(store: SourceStore) -> None:
    await store.create(source(1))

    await store.replace_key("src_1", b"n" * 32)

    assert await store.by_key_hash(bytes([1]) * 32) is None
    assert await store.by_key_hash(b"n" * 32) == replace(source(1), key_hash=b"n" * 32)


async def test_a_source_that_does_not_exist_gets_no_key(store: SourceStore) -> None:
    with pytest.raises(UnknownSource):
        await store.replace_key("src_1", b"n" * 32)
