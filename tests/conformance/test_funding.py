"""Deposits, suspense and withdrawals are kept alike in memory and in Postgres, and moved once."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from config.postgres import Database
from metering.funding.deposit import Booking, Kind, Rules, book, network_name
from metering.funding.deposit_store import (
    DepositStore,
    MemoryDeposits,
    NumbersExhausted,
    Position,
    ReadElsewhere,
    Reading,
)
from metering.funding.deposits_postgres import PostgresDeposits
from metering.funding.suspense import (
    TREASURY,
    Decided,
    MemorySuspense,
    SuspenseStore,
    UnknownItem,
)
from metering.funding.suspense_postgres import PostgresSuspense
from metering.funding.withdrawal import End, MemoryWithdrawals, Withdrawal, WithdrawalStore
from metering.funding.withdrawals_postgres import PostgresWithdrawals
from metering.ledger.ledger import (
    Account,
    AssetMismatch,
    Ledger,
    UnknownAccount,
    WouldOverdraw,
    suspense_account,
    viewer_account,
)
from metering.ledger.ledger_memory import MemoryLedger
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.settlement.feed import ChainPayment
from tests.metering.funding.payments import HOT, PASSPHRASE, USDC, WALLET, XLM, paid, rules

NETWORK = network_name(PASSPHRASE)
ANA, BEN = 11, 2**63 - 1
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ANAS = viewer_account("acc_ana", "XLM").id


@dataclass
class Funding:
    """The stores of one kind, and their ledger."""

    ledger: Ledger
    deposits: DepositStore
    withdrawals: WithdrawalStore
    suspense: SuspenseStore
    rules: Rules

    async def read(self, before: str | None, payments: Iterable[ChainPayment]) -> list[Booking]:
        owners = await self.deposits.owners([ANA, BEN])
        bookings = tuple(book(payment, self.rules, owners) for payment in payments)
        last = bookings[-1].payment
        return await self.deposits.take(Reading(HOT, before, last.cursor, last.ledger, bookings))

    async def balances(self) -> dict[str, int]:
        """All that is not nothing; everything together is nothing."""
        await self.sound()
        return {name: held for name, held in (await self.ledger.balances("")).items() if held}

    async def sound(self) -> None:
        assert (await self.ledger.check()).sound


def drawn() -> Iterator[int]:
    yield from (ANA, ANA, BEN)
    while True:
        yield ANA


@pytest.fixture
def memory() -> Funding:
    ledger, draw = MemoryLedger(), drawn()
    deposits = MemoryDeposits(ledger, lambda: next(draw))
    withdrawals = MemoryWithdrawals(ledger)
    suspense = MemorySuspense(ledger, deposits, withdrawals, NETWORK)
    return Funding(ledger, deposits, withdrawals, suspense, rules())


@pytest.fixture
def postgres(server_database: Database) -> Funding:
    """As the role that the server has."""
    ledger, draw = PostgresLedger(server_database), drawn()
    withdrawals = PostgresWithdrawals(server_database, ledger)
    return Funding(
        ledger,
        PostgresDeposits(server_database, ledger, NETWORK, lambda: next(draw)),
        withdrawals,
        PostgresSuspense(server_database, ledger, withdrawals, NETWORK),
        rules(),
    )


@pytest.fixture(params=["memory", "postgres"])
def empty(request: pytest.FixtureRequest) -> Funding:
    made: Funding = request.getfixturevalue(request.param)
    return made


@pytest.fixture
async def funding(empty: Funding) -> Funding:
    assert await empty.deposits.number("acc_ana") == ANA
    assert await empty.deposits.number("acc_ben") == BEN
    return empty


async def test_a_number_is_one_accounts_for_ever(funding: Funding) -> None:
    assert await funding.deposits.number("acc_ana") == ANA
    assert await funding.deposits.owners([ANA, 12, 2**64 - 1]) == {ANA: "acc_ana"}
    assert await funding.deposits.owners([]) == {}
    with pytest.raises(NumbersExhausted):
        await funding.deposits.number("acc_cleo")


async def test_each_payment_is_booked_once_with_how_far_was_read(funding: Funding) -> None:
    assert await funding.deposits.position(HOT) == Position()
    first = [paid(1, number=ANA), paid(2, memo=BEN, amount=5 * XLM), paid(3)]
    fresh = await funding.read(None, first)
    assert [each.kind for each in fresh] == [Kind.DEPOSIT, Kind.DEPOSIT, Kind.SUSPENSE]
    assert await funding.deposits.position(HOT) == Position("0000000003", 103, 0)
    expected = {
        "chain:hot:XLM": -7 * XLM,
        ANAS: XLM,
        "viewer:acc_ben:XLM": 5 * XLM,
        "suspense:XLM": XLM,
    }
    assert await funding.balances() == expected
    # A process that has not seen it reads the same page again, or one that overlaps.
    with pytest.raises(ReadElsewhere):
        await funding.read(None, first)
    again = await funding.read("0000000003", [paid(2, memo=BEN, amount=5 * XLM), paid(4, memo=ANA)])
    assert [each.payment.id for each in again] == [paid(4).id]
    assert await funding.balances() == expected | {ANAS: 2 * XLM, "chain:hot:XLM": -8 * XLM}
    newest, oldest = await funding.deposits.deposits("acc_ana", 10)
    assert (newest.event, oldest.event) == (paid(4).id, paid(1).id)
    assert (oldest.amount, oldest.asset, oldest.source) == (XLM, "XLM", WALLET)
    assert oldest.at.timestamp() == paid(1).closed_at
    assert await funding.deposits.deposits("acc_ana", 1) == [newest]


async def test_a_page_that_cannot_be_booked_is_not_read(funding: Funding) -> None:
    """An account of another currency stands in the way of the second payment."""
    await funding.ledger.open_accounts([Account("viewer:acc_ben:XLM", "USDC")])
    with pytest.raises(AssetMismatch):
        await funding.read(None, [paid(1, number=ANA), paid(2, number=BEN)])
    assert await funding.deposits.position(HOT) == Position()
    assert await funding.deposits.deposits("acc_ana", 9) == []
    assert await funding.balances() == {}


async def test_of_two_who_read_the_same_page_at_once_one_books_it(funding: Funding) -> None:
    page = [paid(n, number=ANA) for n in range(1, 20)]
    outcomes = await asyncio.gather(
        *(funding.read(None, page) for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in outcomes) == ["ReadElsewhere"] * 3 + ["list"]
    assert await funding.ledger.balance(ANAS) == 19 * XLM


async def test_the_operator_gives_what_was_in_suspense_to_one_account_once(
    funding: Funding,
) -> None:
    await funding.read(None, [paid(1), paid(2, number=8, memo=8), paid(3, asset=USDC)])
    one, two, three = await funding.suspense.items(0, 10)
    assert (one.reason, one.number, one.source) == ("no_number", None, WALLET)
    assert (two.reason, two.number, two.memo) == ("unknown_number", 8, 8)
    assert await funding.suspense.items(one.place, 1) == [two]
    for _ in range(2):
        await funding.suspense.assign(one.event, "acc_ana")
    with pytest.raises(Decided):
        await funding.suspense.assign(one.event, "acc_ben")
    with pytest.raises(UnknownItem):
        await funding.suspense.assign("nothing:0", "acc_ben")
    await funding.suspense.assign(three.event, TREASURY)
    assert [each.event for each in await funding.suspense.items(0, 10)] == [two.event]
    known = await funding.suspense.items(0, 10, all_=True)
    assert [each.assigned_to for each in known] == ["acc_ana", None, TREASURY]
    assert await funding.ledger.balance(ANAS) == XLM
    assert await funding.ledger.balance(f"treasury:{USDC}") == XLM
    assert [each.event for each in await funding.deposits.deposits("acc_ana", 9)] == [one.event]
    await funding.sound()


def back(id_: str) -> Withdrawal:
    origin = suspense_account("XLM").id
    return Withdrawal(id_, None, origin, "XLM", Stroops(XLM), WALLET, NOW)


async def test_what_is_given_back_and_refused_waits_for_another_decision(funding: Funding) -> None:
    await funding.read(None, [paid(1)])
    [item] = await funding.suspense.items(0, 10)
    for _ in range(2):
        await funding.suspense.give_back(item.event, back("wdr_1"))
    assert await funding.balances() == {"chain:hot:XLM": -XLM, "inflight:wdr_1": XLM}
    assert await funding.suspense.items(0, 10) == []
    for decide in (
        funding.suspense.assign(item.event, "acc_ana"),
        funding.suspense.give_back(item.event, back("wdr_2")),
    ):
        with pytest.raises(Decided):
            await decide
    await funding.withdrawals.refuse("wdr_1", "op_no_destination")
    [again] = await funding.suspense.items(0, 10)
    assert (again.withdrawal, again.is_open) == ("wdr_1", True)
    await funding.suspense.assign(item.event, "acc_ana")
    assert await funding.balances() == {"chain:hot:XLM": -XLM, ANAS: XLM}


async def test_a_withdrawal_is_set_aside_at_once_and_ends_once(funding: Funding) -> None:
    await funding.read(None, [paid(1, number=ANA, amount=5 * XLM)])

    def wish(id_: str, amount: int) -> Withdrawal:
        return Withdrawal(id_, "acc_ana", ANAS, "XLM", Stroops(amount), WALLET, NOW, memo="id:7")

    first, second, third = wish("wdr_1", 2 * XLM), wish("wdr_2", 2 * XLM), wish("wdr_3", 2 * XLM)
    for _ in range(2):
        await funding.withdrawals.request(first)
    await funding.withdrawals.request(second)
    with pytest.raises(WouldOverdraw):
        await funding.withdrawals.request(third)
    nobodys = Withdrawal("wdr_4", "acc_x", "viewer:x:XLM", "XLM", Stroops(1), WALLET, NOW)
    with pytest.raises(UnknownAccount):
        await funding.withdrawals.request(nobodys)
    assert await funding.withdrawals.get("wdr_3") is None
    assert await funding.withdrawals.get("wdr_1") == first
    assert await funding.withdrawals.open("XLM", 10) == [first, second]
    assert await funding.withdrawals.open("XLM", 1) == [first]
    assert await funding.withdrawals.open(USDC, 10) == []
    assert await funding.withdrawals.of("acc_ana", 10) == [second, first]
    assert await funding.ledger.balance(ANAS) == XLM
    for _ in range(2):
        await funding.withdrawals.refuse("wdr_1", "op_no_trust")
        await funding.withdrawals.paid("wdr_2")
    await funding.withdrawals.paid("wdr_1")
    await funding.withdrawals.refuse("wdr_2", "op_no_trust")
    ended = await funding.withdrawals.of("acc_ana", 10)
    assert [(each.end, each.code) for each in ended] == [
        (End.PAID, None),
        (End.REFUSED, "op_no_trust"),
    ]
    assert await funding.withdrawals.open("XLM", 10) == []
    assert await funding.ledger.balance(ANAS) == 3 * XLM
    await funding.sound()
