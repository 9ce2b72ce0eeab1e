"""Every UploadStore behaves the same, and never promises more than there is."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from config.postgres import Database
from ingest.upload.store import MemoryUploadStore, Room, UploadStore
from ingest.upload.store_postgres import PostgresUploadStore
from ingest.upload.upload import (
    QuotaExceeded,
    StorageFull,
    TooManyUploads,
    UnknownUpload,
    UploadState,
)
from media.delivery import Delivery
from tests.ingest.upload.made import CREATED_AT, upload

PLENTY = 1 << 50


@pytest.fixture(params=["memory", "postgres"])
async def store(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[UploadStore]:
    if request.param == "memory":
        yield MemoryUploadStore()
        return
    for account in ("acc_one", "acc_two"):
        await database.execute(
            "insert into account (id, kind, display_name, token_hash, created_at)"
            " values ($1, 'creator', $1, $2, $3)",
            account,
            account.encode(),
            CREATED_AT,
        )
    yield PostgresUploadStore(database)


def room(
    quota: int = PLENTY,
    unfinished: int = 1_000,
    free: int = PLENTY,
    lengths: Mapping[str, int] | None = None,
) -> Room:
    return Room(quota, unfinished, free, lengths or {})


async def test_an_upload_is_kept_as_it_was_given(store: UploadStore) -> None:
    given = upload(1, size=20 << 30, delivery=Delivery.KEYS)
    await store.reserve(given, room())

    assert await store.get(upload(1).id) == given
    assert await store.get(upload(2).id) is None


async def test_racing_reservations_stay_within_the_quota(store: UploadStore) -> None:
    """50 at once of 1,000 bytes each, with room for 7 and a half."""

    async def reserve(number: int) -> int:
        try:
            await store.reserve(upload(number), room(quota=7_500))
        except QuotaExceeded:
            return 0
        return upload(number).size

    promised = await asyncio.gather(*(reserve(number) for number in range(50)))

    assert sum(promised) == 7_000
    with pytest.raises(QuotaExceeded) as caught:
        await store.reserve(upload(99), room(quota=7_500))
    assert caught.value.left == 500
    await store.reserve(upload(99, size=500), room(quota=7_500))
    await store.reserve(upload(100, owner="acc_two"), room(quota=7_500))


async def test_racing_reservations_stay_within_the_disk(store: UploadStore) -> None:
    """Of two owners; 900 bytes of the first upload are on the disk already."""
    await store.reserve(upload(0), room())
    written = {upload(0).id: 900}

    async def reserve(number: int) -> int:
        made = upload(number, owner=("acc_one", "acc_two")[number % 2])
        try:
            await store.reserve(made, room(free=5_100, lengths=written))
        except StorageFull:
            return 0
        return made.size

    promised = await asyncio.gather(*(reserve(number) for number in range(1, 31)))

    assert sum(promised) == 5_000


async def test_one_owner_cannot_begin_without_end(store: UploadStore) -> None:
    for number in range(3):
        await store.reserve(upload(number), room(unfinished=3))

    with pytest.raises(TooManyUploads):
        await store.reserve(upload(3), room(unfinished=3))
    await store.advance(upload(0).id, UploadState.RECEIVED)
    await store.reserve(upload(3), room(unfinished=3))


async def test_a_complete_upload_counts_until_its_file_is_gone(store: UploadStore) -> None:
    await store.reserve(upload(1), room())
    await store.advance(upload(1).id, UploadState.ACCEPTED)
    with pytest.raises(QuotaExceeded):
        await store.reserve(upload(2), room(quota=1_000))
    await store.reserve(upload(3, size=0), room(free=0))  # nothing more is to come of the first

    await store.advance(upload(1).id, UploadState.DISCARDED)

    await store.reserve(upload(2), room(quota=1_000))


async def test_a_state_never_goes_back(store: UploadStore) -> None:
    await store.reserve(upload(1), room())

    for state in (UploadState.RECEIVED, UploadState.DISCARDED, UploadState.ACCEPTED):
        await store.advance(upload(1).id, state)
    await store.advance("upl_unknown", UploadState.RECEIVED)

    assert await store.get(upload(1).id) == upload(1, state=UploadState.DISCARDED)
    assert await store.in_state(UploadState.RECEIVING) == []
    assert await store.in_state(UploadState.DISCARDED) == [upload(1, state=UploadState.DISCARDED)]


async def test_only_what_nobody_needs_expires(store: UploadStore) -> None:
    for number, state in enumerate(UploadState):
        await store.reserve(upload(number), room())
        await store.advance(upload(number).id, state)
    await store.reserve(upload(9), room())
    await store.extend(upload(9).id, CREATED_AT + timedelta(milliseconds=1))
    await store.extend("upl_unknown", CREATED_AT)

    expired = await store.expired(CREATED_AT)

    assert {each.state for each in expired} == {UploadState.RECEIVING, UploadState.DISCARDED}
    assert len(expired) == 2
    assert len(await store.expired(CREATED_AT + timedelta(milliseconds=1))) == 3


async def test_a_form_settles_what_it_turned_out_to_be(store: UploadStore) -> None:
    await store.reserve(upload(1, resumable=False), room())
    turned_out = replace(
        upload(1, resumable=False),
        size=990,
        title="Other",
        filename="other.mp4",
        price_stroops=1,
        price_seconds=2,
        delivery=Delivery.KEYS_CBCS,
    )

    await store.settle(turned_out)

    assert await store.get(upload(1).id) == turned_out
    with pytest.raises(UnknownUpload):
        await store.settle(upload(2))


async def test_what_is_removed_holds_nothing(store: UploadStore) -> None:
    await store.reserve(upload(1), room())

    await store.remove(upload(1).id)
    await store.remove(upload(1).id)

    assert await store.get(upload(1).id) is None
    await store.reserve(upload(1), room(quota=1_000, unfinished=1, free=1_000))
