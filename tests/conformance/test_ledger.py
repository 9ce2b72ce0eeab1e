"""Both ledgers keep the same rules; the second half compares them step by step."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.limits import LEDGER_PAGE_MAX
from config.postgres import Database, PostgresError
from metering.ledger.ledger import (
    Account,
    AssetMismatch,
    BadTransfer,
    ConflictingTransfer,
    Ledger,
    LedgerRefusal,
    LedgerReport,
    Standing,
    Transfer,
    UnknownAccount,
    WouldOverdraw,
    creator_account,
    hold_account,
    hot_account,
    inflight_account,
    treasury_account,
    viewer_account,
)
from metering.ledger.ledger_memory import MemoryLedger
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops

HOT = hot_account("XLM")
VIEWER = viewer_account("acc_1", "XLM")
HOLD = hold_account("ses_1", "XLM")
CREATOR = creator_account("acc_2", "XLM")
DOLLARS = viewer_account("acc_1", "USDC")
ACCOUNTS = [HOT, VIEWER, HOLD, CREATOR, DOLLARS]


@pytest.fixture
async def memory() -> AsyncIterator[Ledger]:
    ledger = MemoryLedger()
    await ledger.open_accounts(ACCOUNTS)
    yield ledger
    assert (await ledger.check()).sound


@pytest.fixture
async def postgres(server_database: Database) -> AsyncIterator[Ledger]:
    ledger = PostgresLedger(server_database)
    await ledger.open_accounts(ACCOUNTS)
    yield ledger
    assert (await ledger.check()).sound


@pytest.fixture(params=["memory", "postgres"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    made: Ledger = request.getfixturevalue(request.param)
    return made


def move(name: str, debit: Account, credit: Account, amount: int, cause: str = "test") -> Transfer:
    return Transfer(name, debit.id, credit.id, Stroops(amount), debit.asset, cause)


async def test_a_batch_moves_money_and_tells_which_transfers_were_new(ledger: Ledger) -> None:
    fund = move("fund", HOT, VIEWER, 100)
    assert await ledger.post([fund]) == {"fund"}
    assert await ledger.post([fund, move("hold", VIEWER, HOLD, 60)]) == {"hold"}
    assert await ledger.balances("") == {
        HOT.id: -100,
        CREATOR.id: 0,
        HOLD.id: 60,
        DOLLARS.id: 0,
        VIEWER.id: 40,
    }


async def test_a_replayed_batch_changes_nothing(ledger: Ledger) -> None:
    batch = [move("a", HOT, VIEWER, 5), move("b", VIEWER, CREATOR, 5)]
    await ledger.post(batch)
    assert await ledger.post(batch) == set()
    assert await ledger.post([]) == set()
    assert await ledger.balance(CREATOR.id) == 5


async def test_a_transfer_twice_in_one_batch_is_posted_once(ledger: Ledger) -> None:
    once = move("a", HOT, VIEWER, 5)
    assert await ledger.post([once, once]) == {"a"}
    assert await ledger.balance(VIEWER.id) == 5


@pytest.mark.parametrize(
    "change", [{"amount": 6}, {"credit": CREATOR.id}, {"debit": HOLD.id}, {"cause": "other"}]
)
async def test_an_id_stands_for_one_transfer_only(
    ledger: Ledger, change: dict[str, object]
) -> None:
    first = move("a", HOT, VIEWER, 5)
    other = dataclasses.replace(first, **change)  # type: ignore[arg-type]
    with pytest.raises(ConflictingTransfer):
        await ledger.post([first, other])
    await ledger.post([first])
    with pytest.raises(ConflictingTransfer) as refused:
        await ledger.post([move("b", HOT, VIEWER, 1), other])
    assert refused.value.transfer_id == "a"
    assert await ledger.balance(VIEWER.id) == 5


async def test_an_overdrawn_account_refuses_the_whole_batch(ledger: Ledger) -> None:
    with pytest.raises(WouldOverdraw) as refused:
        await ledger.post([move("a", HOT, VIEWER, 5), move("b", VIEWER, CREATOR, 6)])
    assert refused.value.account == VIEWER.id
    assert await ledger.balance(HOT.id) == 0
    assert await ledger.transfers_of(VIEWER.id) == []


async def test_only_the_end_of_a_batch_has_to_respect_floors(ledger: Ledger) -> None:
    await ledger.post([move("a", VIEWER, CREATOR, 6), move("b", HOT, VIEWER, 6)])
    assert await ledger.balance(CREATOR.id) == 6


async def test_an_account_nobody_opened_is_refused(ledger: Ledger) -> None:
    stranger = viewer_account("nobody", "XLM")
    with pytest.raises(UnknownAccount) as refused:
        await ledger.post([move("a", HOT, stranger, 5)])
    assert refused.value.account == stranger.id
    with pytest.raises(UnknownAccount):
        await ledger.balance(stranger.id)
    assert await ledger.transfers_of(stranger.id) == []


async def test_assets_do_not_mix(ledger: Ledger) -> None:
    with pytest.raises(AssetMismatch):
        await ledger.post([move("a", HOT, DOLLARS, 5)])
    with pytest.raises(AssetMismatch) as refused:
        await ledger.post([dataclasses.replace(move("a", HOT, VIEWER, 5), asset="USDC")])
    assert refused.value.account == HOT.id
    with pytest.raises(AssetMismatch):
        await ledger.open_accounts([Account(VIEWER.id, "USDC")])


async def test_opening_accounts_again_keeps_what_they_hold(ledger: Ledger) -> None:
    await ledger.post([move("a", HOT, VIEWER, 5)])
    await ledger.open_accounts(ACCOUNTS)
    assert await ledger.balance(VIEWER.id) == 5


async def test_a_statement_is_read_page_by_page(ledger: Ledger) -> None:
    sent = [move(f"t{i}", *((HOT, VIEWER) if i % 2 else (VIEWER, HOT)), 1) for i in range(6, 0, -1)]
    for transfer in reversed(sent):
        await ledger.post([transfer])
    seen: list[Transfer] = []
    after = 0
    while page := await ledger.transfers_of(VIEWER.id, after, limit=4):
        assert len(page) <= 4
        seen += [entry.transfer for entry in page]
        after = page[-1].position
    assert seen == sent[::-1]
    assert len(await ledger.transfers_of(VIEWER.id, limit=LEDGER_PAGE_MAX * 9)) == 6


async def test_balances_are_found_by_the_beginning_of_their_names(ledger: Ledger) -> None:
    assert set(await ledger.balances("viewer:acc_1:")) == {VIEWER.id, DOLLARS.id}
    assert await ledger.balances("viewer:acc_11:") == {}


async def test_where_an_account_stands_is_told_with_its_last_transfer(ledger: Ledger) -> None:
    await ledger.post([move("t1", HOT, VIEWER, 5), move("t2", HOT, CREATOR, 3)])
    await ledger.post([move("t3", VIEWER, CREATOR, 2)])
    last = {
        account.id: (await ledger.transfers_of(account.id))[-1].position
        for account in (VIEWER, CREATOR)
    }
    assert await ledger.standings("creator:", Stroops(5)) == {
        CREATOR.id: Standing(Stroops(5), last[CREATOR.id])
    }
    assert await ledger.standings("viewer:", Stroops(0)) == {
        VIEWER.id: Standing(Stroops(3), last[VIEWER.id]),
        DOLLARS.id: Standing(Stroops(0), 0),
    }
    assert await ledger.standings("viewer:", Stroops(4)) == {}


async def test_writers_at_once_neither_deadlock_nor_overdraw(ledger: Ledger) -> None:
    await ledger.post([move("fund", HOT, VIEWER, 10), move("fund2", HOT, CREATOR, 10)])

    async def pair(i: int) -> bool:
        there, back = (VIEWER, CREATOR) if i % 2 else (CREATOR, VIEWER)
        try:
            await ledger.post([move(f"x{i}", there, back, 3), move(f"y{i}", there, HOLD, 1)])
        except WouldOverdraw:
            return False
        return True

    done = await asyncio.gather(*(pair(i) for i in range(40)))
    assert sum(done) == await ledger.balance(HOLD.id) > 0


async def test_the_same_batch_from_many_at_once_is_posted_once(ledger: Ledger) -> None:
    batch = [move("a", HOT, VIEWER, 5), move("b", VIEWER, CREATOR, 2)]
    new = await asyncio.gather(*(ledger.post(batch) for _ in range(8)))
    assert sorted(len(ids) for ids in new) == [0] * 7 + [2]


def test_a_transfer_of_nothing_or_to_itself_cannot_be_made() -> None:
    for amount in (0, -1, 2**63):
        with pytest.raises(BadTransfer):
            move("a", HOT, VIEWER, amount)
    with pytest.raises(BadTransfer):
        move("a", VIEWER, VIEWER, 1)
    with pytest.raises(BadTransfer):
        move("", HOT, VIEWER, 1)


def test_only_what_lies_on_the_chain_may_be_below_zero() -> None:
    others = [treasury_account("XLM"), inflight_account("pay_1", "XLM")]
    assert [account.floor for account in [VIEWER, HOLD, CREATOR, *others]] == [0] * 5
    assert HOT.floor is None
    assert others[1].id == "inflight:pay_1"


@pytest.mark.parametrize("table", ["ledger_transfer", "delivery", "tick_run"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET recorded_at = now()", "DELETE FROM {}", "TRUNCATE {}"]
)
async def test_postgres_refuses_to_change_what_happened(
    database: Database, table: str, statement: str
) -> None:
    with pytest.raises(PostgresError, match="never changed"):
        await database.execute(statement.format(table))


async def test_a_sound_ledger_is_told_from_one_that_somebody_edited(database: Database) -> None:
    ledger = PostgresLedger(database)
    await ledger.open_accounts(ACCOUNTS)
    await ledger.post([move("a", HOT, VIEWER, 5)])
    await database.execute("UPDATE ledger_account SET balance = 7 WHERE id = $1", VIEWER.id)
    assert await ledger.check() == LedgerReport(unbalanced={"XLM": 2}, drifted={VIEWER.id: 2})


async def test_a_caller_that_fails_takes_its_transfers_with_it(database: Database) -> None:
    ledger = PostgresLedger(database)
    await ledger.open_accounts(ACCOUNTS)

    async def post_and_fail() -> None:
        async with database.transaction() as connection:
            await ledger.post_within(connection, [move("a", HOT, VIEWER, 5)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await post_and_fail()
    assert await ledger.balance(VIEWER.id) == 0


_names = st.sampled_from([*ACCOUNTS, viewer_account("nobody", "XLM")])


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
async def test_random_batches_end_alike_in_memory_and_in_postgres(
    data: st.DataObject, database: Database
) -> None:
    run = await database.fetchval("SELECT count(*) FROM ledger_account")
    one, two = MemoryLedger(), PostgresLedger(database)
    renamed = {a.id: dataclasses.replace(a, id=f"{run}-{a.id}") for a in ACCOUNTS}
    for ledger in (one, two):
        await ledger.open_accounts(list(renamed.values()))
    for _ in range(data.draw(st.integers(1, 8))):
        batch: list[Transfer] = []
        for _ in range(data.draw(st.integers(1, 5))):
            number = data.draw(st.integers(0, 9))
            debit, credit = data.draw(_names), data.draw(_names)
            if debit != credit:
                transfer = move(f"{run}-t{number}", debit, credit, data.draw(st.integers(1, 9)))
                batch.append(
                    dataclasses.replace(
                        transfer, debit=f"{run}-{debit.id}", credit=f"{run}-{credit.id}"
                    )
                )
        assert await _outcome(one, batch) == await _outcome(two, batch)
        assert await one.balances("") == await two.balances(f"{run}-")


async def _outcome(ledger: Ledger, batch: list[Transfer]) -> object:
    try:
        return await ledger.post(batch)
    except LedgerRefusal as refusal:
        return type(refusal), str(refusal)
