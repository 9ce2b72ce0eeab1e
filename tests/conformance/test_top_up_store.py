"""Both stores of presented payments keep the same, and let the same agreement be used once."""

from dataclasses import replace

import pytest

from config.postgres import Database, PostgresError
from metering.money import Stroops
from metering.settlement.outbox import MovedOn, SignedEnvelope, SourceBusy, State
from metering.settlement.sending import Found, NotFound, sent
from metering.x402.store import MemoryTopUps, TopUpStore
from metering.x402.store_postgres import PostgresTopUps
from metering.x402.top_up import AlreadyPresented, TopUp, looked

SIGNED = SignedEnvelope("AAAA", "hash-1", "GSPONSOR", 7, 1_700_000_000, 5_000, 990)
FIRST = TopUp("top_1", "acc_v", "GPAYER", 4711, "XLM", Stroops(50), SIGNED, 1_000)
APPLIED = Found(True, 991, 300, "tx_success", ("op_success",))
FAILED = replace(APPLIED, successful=False, code="tx_failed")
EXPIRED = NotFound(999, 1_700_000_001, 1, 6)


def another(number: int, source: str = "GSPONSOR", nonce: int = 4711) -> TopUp:
    signed = replace(SIGNED, hash=f"hash-{number}", source=source)
    return replace(FIRST, id=f"top_{number}", nonce=nonce, signed=signed, created_ms=number * 1_000)


@pytest.fixture
def memory() -> TopUpStore:
    return MemoryTopUps()


@pytest.fixture
async def postgres(database: Database) -> TopUpStore:
    await database.execute(
        "INSERT INTO account (id, kind, display_name, token_hash, created_at)"
        " VALUES ('acc_v', 'guest', 'Guest', '\\x00', now())"
    )
    return PostgresTopUps(database)


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> TopUpStore:
    made: TopUpStore = request.getfixturevalue(request.param)
    return made


async def ended(store: TopUpStore, top_up: TopUp, seen: Found | NotFound) -> TopUp:
    after = looked(top_up, seen)
    await store.advance(top_up, after)
    return after


async def test_an_agreement_is_used_once_and_an_account_sends_one_at_a_time(
    store: TopUpStore,
) -> None:
    await store.begin(FIRST)
    assert await store.presented("GPAYER", 4711) == FIRST
    assert await store.under_way("GSPONSOR") == FIRST
    with pytest.raises(AlreadyPresented):
        await store.begin(another(2, source="GOTHER"))
    with pytest.raises(SourceBusy):
        await store.begin(another(3, nonce=4712))
    out = sent(FIRST, 1_500)
    await store.advance(FIRST, out)
    with pytest.raises(MovedOn):
        await store.advance(FIRST, out)
    after = await ended(store, out, APPLIED)
    assert after.state is State.APPLIED
    assert await store.presented("GPAYER", 4711) == after
    assert await store.under_way("GSPONSOR") is None
    with pytest.raises(AlreadyPresented):
        await store.begin(another(4))


async def test_what_did_not_pay_leaves_its_agreement_free(store: TopUpStore) -> None:
    await store.begin(FIRST)
    failed = await ended(store, FIRST, FAILED)
    assert failed.state is State.FAILED
    assert await store.presented("GPAYER", 4711) is None
    await store.begin(another(2))
    dead = await ended(store, another(2), EXPIRED)
    assert dead.state is State.DEAD
    await store.begin(another(3))
    assert await store.presented("GPAYER", 4711) == another(3)


async def test_fees_are_what_was_charged_and_what_may_be(store: TopUpStore) -> None:
    await store.begin(FIRST)
    await ended(store, FIRST, APPLIED)
    await store.begin(another(2, nonce=1))
    await store.begin(another(3, source="GOTHER", nonce=2))
    assert await store.fees_since("GSPONSOR", 0) == 300 + 5_000
    assert await store.fees_since("GSPONSOR", 1_001) == 5_000
    assert await store.fees_since("GSPONSOR", 9_000) == 0


async def test_a_look_changes_nothing_while_it_may_still_apply() -> None:
    assert looked(FIRST, replace(EXPIRED, latest_close_time=1_700_000_000)) == FIRST
    overtaken = replace(EXPIRED, latest_close_time=0, source_sequence=7)
    assert looked(FIRST, overtaken).state is State.DEAD
    # Nobody can tell any more, and another one can do no harm.
    assert looked(FIRST, replace(EXPIRED, oldest_ledger=991)).state is State.DEAD


async def test_what_was_signed_cannot_be_rewritten(
    database: Database, postgres: TopUpStore
) -> None:
    await postgres.begin(FIRST)
    for change in ("amount = 1", "account = 'acc_w'", "nonce = 1", "envelope_xdr = 'BBBB'"):
        with pytest.raises(PostgresError):
            await database.execute(f"UPDATE top_up SET {change}")
    with pytest.raises(PostgresError):
        await database.execute("DELETE FROM top_up")
    await ended(postgres, FIRST, FAILED)
    with pytest.raises(PostgresError):
        await database.execute("UPDATE top_up SET state = 'applied'")
