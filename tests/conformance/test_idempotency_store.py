"""Both stores of keys: one effect for each key, however often and by however many it is tried."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from api.idempotency_postgres import PostgresIdempotencyStore
from api.idempotency_store import (
    LOCK,
    RETENTION,
    Claim,
    Effect,
    IdempotencyStore,
    KeyedRequest,
    MemoryIdempotencyStore,
    OtherRequest,
    TooManyKeys,
    UnderWay,
)
from config.postgres import Database

NOW = datetime(2026, 11, 21, 4, 5, 6, 789_000, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
REQUEST = KeyedRequest("acc_1", "POST /pay", "key", b"hash of a body")


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> IdempotencyStore:
    if request.param == "memory":
        return MemoryIdempotencyStore()
    database: Database = request.getfixturevalue("database")
    return PostgresIdempotencyStore(database)


async def test_what_was_answered_is_answered_again_until_it_is_forgotten(
    store: IdempotencyStore,
) -> None:
    effect = (await store.claim(REQUEST, NOW)).effect
    assert (effect.wall_ms, effect.attempt) == (round(NOW.timestamp() * 1000), 1)
    assert await store.answer(REQUEST, "first") == "first"
    assert await store.answer(REQUEST, "second") == "first"
    assert await store.claim(REQUEST, NOW + RETENTION - MOMENT) == Claim(effect, "first")
    again = await store.claim(REQUEST, NOW + RETENTION)
    assert again.answer is None
    assert again.effect.entropy != effect.entropy


async def test_a_key_is_one_request_of_one_account_on_one_route(store: IdempotencyStore) -> None:
    await store.claim(REQUEST, NOW)
    with pytest.raises(OtherRequest):
        await store.claim(replace(REQUEST, fingerprint=b"of another"), NOW)
    others = (replace(REQUEST, account="acc_2"), replace(REQUEST, route="POST /other"))
    effects = [(await store.claim(each, NOW)).effect for each in others]
    assert [each.attempt for each in effects] == [1, 1]


async def test_of_two_at_once_one_works_and_its_second_attempt_has_the_same_ids(
    store: IdempotencyStore,
) -> None:
    both = await asyncio.gather(
        *(store.claim(REQUEST, NOW) for _ in range(2)), return_exceptions=True
    )
    (claim,) = (each for each in both if isinstance(each, Claim))
    assert [type(each) for each in both if each is not claim] == [UnderWay]
    await store.release(REQUEST, attempt=2)  # that of somebody else
    with pytest.raises(UnderWay):
        await store.claim(REQUEST, NOW + LOCK - MOMENT)
    second = (await store.claim(REQUEST, NOW + LOCK)).effect
    assert second == Effect(claim.effect.wall_ms, claim.effect.entropy, attempt=2)
    assert second.id("ses") == claim.effect.id("ses")
    await store.release(REQUEST, attempt=2)
    assert (await store.claim(REQUEST, NOW + LOCK)).effect.attempt == 3


async def test_an_account_has_so_many_keys_until_they_are_forgotten(
    store: IdempotencyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("api.idempotency_store", "api.idempotency_postgres"):
        monkeypatch.setattr(f"{module}.IDEMPOTENCY_KEYS_MAX", 3)
    for number in range(3):
        await store.claim(replace(REQUEST, key=str(number)), NOW + number * MOMENT)
    with pytest.raises(TooManyKeys):
        await store.claim(REQUEST, NOW)
    await store.claim(replace(REQUEST, account="acc_2"), NOW)
    await store.claim(replace(REQUEST, key="1"), NOW + LOCK + MOMENT)
    await store.claim(REQUEST, NOW + RETENTION + MOMENT)
