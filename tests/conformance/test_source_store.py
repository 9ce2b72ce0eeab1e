"""Every SourceStore behaves the same."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from config.limits import SOURCE_KEYS_MAX
from config.postgres import Database
from ingest.source import NameTaken, Source, UnknownSource
from ingest.source_postgres import PostgresSourceStore
from ingest.source_store import MemorySourceStore, SourceStore
from ingest.stream_key import StreamKey, TooManyKeys, UnknownKey
from media.delivery import Delivery
from media.terms import Takeover

CREATED_AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
HOUR = timedelta(hours=1)


def source(number: int, owner: str = "acc_one") -> Source:
    return Source(
        id=f"src_{number}",
        owner=owner,
        name=f"camera-{number}",
        title=f"Camera № {number}",
        price_stroops=5_000_000,
        price_seconds=3_600,
        price_asset="XLM",
        created_at=CREATED_AT - timedelta(seconds=number),
    )


def main_key(number: int) -> StreamKey:
    return StreamKey(
        id=f"key_{number}",
        source_id=f"src_{number}",
        label="main",
        hash=bytes([number]) * 32,
        created_at=CREATED_AT - timedelta(seconds=number),
        is_main=True,
    )


def guest_key(number: int, expires_at: datetime | None = None) -> StreamKey:
    """One of the first source's further keys."""
    return StreamKey(
        id=f"key_guest_{number:03}",
        source_id="src_1",
        label=f"guest № {number}",
        hash=bytes([150 + number]) * 32,
        created_at=CREATED_AT + timedelta(seconds=number),
        expires_at=expires_at,
        ends_publication=True,
        bitrate_max=6_000_000,
        addresses=("192.0.2.0/24", "2001:db8::/32"),
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
    await store.create(source(1), main_key(1))

    assert await store.get("src_1") == source(1)
    assert await store.by_name("camera-1") == source(1)
    assert await store.by_key_hash(bytes([1]) * 32) == (source(1), main_key(1))
    assert await store.keys_of("src_1") == [main_key(1)]


async def test_what_was_never_stored_is_not_found(store: SourceStore) -> None:
    assert await store.get("src_1") is None
    assert await store.by_name("camera-1") is None
    assert await store.by_key_hash(bytes(32)) is None
    assert await store.list_of("acc_one") == []
    assert await store.keys_of("src_1") == []
    assert await store.key_hashes(10) == []


async def test_a_name_belongs_to_one_source(store: SourceStore) -> None:
    await store.create(source(1), main_key(1))

    with pytest.raises(NameTaken):
        await store.create(replace(source(2), name="camera-1"), main_key(2))

    assert await store.get("src_2") is None
    assert await store.keys_of("src_2") == []


async def test_an_owner_sees_own_sources_oldest_first(store: SourceStore) -> None:
    for number, owner in ((1, "acc_one"), (2, "acc_one"), (3, "acc_two")):
        await store.create(source(number, owner), main_key(number))

    assert [each.id for each in await store.list_of("acc_one")] == ["src_2", "src_1"]
    assert [each.id for each in await store.list_of("acc_two")] == ["src_3"]
    assert await store.key_hashes(2) == [bytes([1]) * 32, bytes([2]) * 32]


async def test_settings_change_and_the_rest_of_a_source_does_not(store: SourceStore) -> None:
    await store.create(source(1), main_key(1))
    changed = replace(
        source(1),
        title="Stage",
        price_stroops=7,
        price_seconds=60,
        reconnect_seconds=1_800,
        takeover=Takeover.STANDBY,
        dvr_seconds=None,
        delivery=Delivery.KEYS,
    )

    await store.change(changed)

    assert await store.get("src_1") == changed
    seekable = replace(source(2), dvr_seconds=86_400, delivery=Delivery.KEYS_CBCS)
    await store.create(seekable, main_key(2))
    assert await store.get("src_2") == seekable
    with pytest.raises(UnknownSource):
        await store.change(source(3))


async def test_a_new_key_makes_the_old_one_useless(store: SourceStore) -> None:
    await store.create(source(1), main_key(1))
    await store.add_key(guest_key(1))
    new = replace(main_key(1), id="key_new", hash=b"n" * 32)

    await store.replace_key(new, ends_at=new.created_at)

    assert await store.by_key_hash(bytes([1]) * 32) is None
    assert await store.by_key_hash(b"n" * 32) == (source(1), new)
    assert await store.keys_of("src_1") == [new, guest_key(1)]


async def test_an_old_key_may_be_good_for_a_while(store: SourceStore) -> None:
    await store.create(source(1), main_key(1))
    new = replace(main_key(1), id="key_new", hash=b"n" * 32)
    newer = replace(main_key(1), id="key_newer", hash=b"m" * 32, created_at=CREATED_AT + HOUR)

    await store.replace_key(new, ends_at=CREATED_AT + HOUR)

    old = replace(main_key(1), is_main=False, expires_at=CREATED_AT + HOUR)
    assert await store.keys_of("src_1") == [new, old]
    await store.replace_key(newer, ends_at=CREATED_AT + 2 * HOUR)
    assert await store.keys_of("src_1") == [
        newer,
        replace(new, is_main=False, expires_at=CREATED_AT + 2 * HOUR),
    ]


async def test_no_grace_makes_a_key_last_longer_than_its_own_end(store: SourceStore) -> None:
    await store.create(source(1), replace(main_key(1), expires_at=CREATED_AT + HOUR))
    new = replace(main_key(1), id="key_new", hash=b"n" * 32)

    await store.replace_key(new, ends_at=CREATED_AT + 2 * HOUR)

    assert (await store.keys_of("src_1"))[1].expires_at == CREATED_AT + HOUR


async def test_a_source_has_so_many_keys_and_always_room_for_a_new_main_one(
    store: SourceStore,
) -> None:
    await store.create(source(1), main_key(1))
    await store.create(source(2), main_key(2))
    for number in range(SOURCE_KEYS_MAX - 1):
        await store.add_key(guest_key(number))
    keys = await store.keys_of("src_1")
    assert [key.id for key in keys][:2] == ["key_1", "key_guest_000"]
    new = replace(main_key(1), id="key_new", hash=b"n" * 32)

    with pytest.raises(TooManyKeys):
        await store.add_key(guest_key(SOURCE_KEYS_MAX))
    with pytest.raises(TooManyKeys):
        await store.replace_key(new, ends_at=CREATED_AT + HOUR)

    assert await store.keys_of("src_1") == keys
    await store.replace_key(new, ends_at=new.created_at)
    assert [key.id for key in await store.keys_of("src_1")][:2] == ["key_new", "key_guest_000"]


async def test_an_expired_key_is_found_until_the_source_gets_another(store: SourceStore) -> None:
    await store.create(source(1), main_key(1))
    short = guest_key(1, expires_at=CREATED_AT + timedelta(seconds=2))
    await store.add_key(short)
    assert await store.by_key_hash(short.hash) == (source(1), short)

    await store.add_key(guest_key(2))

    assert await store.by_key_hash(short.hash) is None
    assert [key.id for key in await store.keys_of("src_1")] == ["key_1", "key_guest_002"]


async def test_a_revoked_key_is_gone(store: SourceStore) -> None:
    await store.create(source(1), main_key(1))
    await store.create(source(2), main_key(2))

    for source_id, key_id in (("src_2", "key_1"), ("src_1", "key_3")):
        with pytest.raises(UnknownKey):
            await store.remove_key(source_id, key_id)
    await store.remove_key("src_1", "key_1")

    assert await store.by_key_hash(bytes([1]) * 32) is None
    assert await store.keys_of("src_1") == []
    new = replace(main_key(1), id="key_new", hash=b"n" * 32)
    await store.replace_key(new, ends_at=new.created_at)
    assert await store.keys_of("src_1") == [new]


async def test_a_keys_last_use_is_known(store: SourceStore) -> None:
    await store.create(source(1), main_key(1))

    await store.use_key("key_1", CREATED_AT + HOUR)
    await store.use_key("key_3", CREATED_AT + HOUR)

    assert await store.keys_of("src_1") == [replace(main_key(1), last_used_at=CREATED_AT + HOUR)]


async def test_a_source_that_does_not_exist_gets_no_key(store: SourceStore) -> None:
    with pytest.raises(UnknownSource):
        await store.replace_key(main_key(1), ends_at=CREATED_AT)
    with pytest.raises(UnknownSource):
        await store.add_key(guest_key(1))
