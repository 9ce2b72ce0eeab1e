"""Both stores of splits share out the same, to the same accounts, however often they are asked."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.postgres import Database, PostgresError
from metering.ledger.ledger import Ledger, Transfer, creator_account, hot_account
from metering.ledger.ledger_memory import MemoryLedger
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.shares.splits import Share, Split, platform_account, unsplit_account
from metering.shares.store import MemorySplitStore, SplitStore
from metering.shares.store_postgres import PostgresSplitStore

SPLIT = Split((Share("acc_a", 3_333), Share("acc_b", 3_333), Share("acc_c", 3_334)), fee=250)
HOT = hot_account("XLM")
UNSPLIT = unsplit_account(SPLIT.id, "XLM")


class Kept:
    """A store and its ledger."""

    def __init__(self, store: SplitStore, ledger: Ledger) -> None:
        self.store = store
        self.ledger = ledger
        self._earned = 0

    async def earn(self, amount: int) -> None:
        self._earned += 1
        await self.ledger.open_accounts([HOT, UNSPLIT])
        earned = Transfer(
            f"earn-{self._earned}", HOT.id, UNSPLIT.id, Stroops(amount), "XLM", "earned"
        )
        await self.ledger.post([earned])

    async def shared(self) -> list[int]:
        """What the platform and the payees have."""
        names = [platform_account("XLM").id]
        names += [creator_account(share.account, "XLM").id for share in SPLIT.shares]
        return [await self.ledger.balance(name) for name in names]


@pytest.fixture
def memory() -> Kept:
    ledger = MemoryLedger()
    return Kept(MemorySplitStore(ledger), ledger)


@pytest.fixture
def postgres(database: Database) -> Kept:
    ledger = PostgresLedger(database)
    return Kept(PostgresSplitStore(database, ledger), ledger)


@pytest.fixture(params=["memory", "postgres"])
def named(request: pytest.FixtureRequest) -> Kept:
    made: Kept = request.getfixturevalue(request.param)
    return made


@pytest.fixture
async def kept(named: Kept) -> Kept:
    await named.store.keep(SPLIT)
    return named


def expected(total: int) -> list[int]:
    fee, parts = SPLIT.parts(total)
    return [fee, *parts]


async def test_a_split_is_kept_as_it_is(kept: Kept) -> None:
    await kept.store.keep(SPLIT)
    assert await kept.store.get(SPLIT.id) == SPLIT
    assert await kept.store.get("spl_other") is None


async def test_shares_follow_the_sum_of_all_that_was_earned(kept: Kept) -> None:
    total = 0
    for amount in (1, 2, 39, 1, 10_000, 7):
        await kept.earn(amount)
        total += amount
        assert await kept.store.unsplit(10) == [(SPLIT.id, "XLM")]
        waiting = [await kept.store.waiting_for(f"acc_{name}", "XLM") for name in "abc"]
        before, after = SPLIT.parts(total - amount)[1], SPLIT.parts(total)[1]
        assert waiting == [new - old for new, old in zip(after, before, strict=True)]
        assert await kept.store.share_out(SPLIT.id, "XLM") == amount
        assert await kept.shared() == expected(total)
    assert await kept.store.unsplit(10) == []
    assert await kept.store.waiting_for("acc_a", "XLM") == 0
    assert await kept.store.share_out(SPLIT.id, "XLM") == 0
    assert await kept.shared() == expected(total)
    assert (await kept.ledger.check()).sound


async def test_what_was_paid_back_before_it_was_shared_out_is_nobodys(kept: Kept) -> None:
    await kept.earn(1_000)
    await kept.ledger.post([Transfer("back", UNSPLIT.id, HOT.id, Stroops(900), "XLM", "refund")])
    await kept.store.share_out(SPLIT.id, "XLM")
    assert await kept.shared() == expected(100)


async def test_an_asset_is_shared_as_it_says_itself_and_else_as_its_source(kept: Kept) -> None:
    store, ours, theirs = kept.store, SPLIT.shares, (Share("acc_z", 10_000),)
    assert await store.assigned_first(["ast_1", "src_1"]) == ()
    await store.assign("src_1", ours)
    assert await store.assigned_first(["ast_1", "src_1"]) == ours
    await store.assign("ast_1", theirs)
    assert await store.assigned_first(["ast_1", "src_1"]) == theirs
    await store.assign("ast_1", ())
    assert await store.assigned("ast_1") == ()
    assert await store.assigned_first(["ast_1", "src_1"]) == ours


async def test_two_who_share_out_at_once_do_it_once(postgres: Kept) -> None:
    await postgres.store.keep(SPLIT)
    await postgres.earn(5_001)
    both = [postgres.store.share_out(SPLIT.id, "XLM") for _ in range(4)]
    assert sum(await asyncio.gather(*both)) == 5_001
    assert await postgres.shared() == expected(5_001)


async def test_the_database_takes_nothing_back(postgres: Kept, database: Database) -> None:
    await postgres.store.keep(SPLIT)
    await postgres.earn(100)
    await postgres.store.share_out(SPLIT.id, "XLM")
    for statement in (
        "UPDATE split_moved SET moved = 99",
        "DELETE FROM split_moved",
        "UPDATE split SET document = '{}'",
        "DELETE FROM split",
    ):
        with pytest.raises(PostgresError, match=r"never changed|not taken back"):
            await database.execute(statement)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 10**9), st.booleans()), min_size=1, max_size=6))
async def test_when_it_is_shared_out_makes_no_difference(steps: list[tuple[int, bool]]) -> None:
    ledger = MemoryLedger()
    kept = Kept(MemorySplitStore(ledger), ledger)
    await kept.store.keep(SPLIT)
    for amount, now in steps:
        await kept.earn(amount)
        if now:
            await kept.store.share_out(SPLIT.id, "XLM")
    await kept.store.share_out(SPLIT.id, "XLM")
    assert await kept.shared() == expected(sum(amount for amount, _ in steps))
