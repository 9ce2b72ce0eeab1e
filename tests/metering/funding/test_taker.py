"""Each payment is booked once, whatever dies or is lost, and nothing is skipped."""

import asyncio
from dataclasses import dataclass, field

import pytest

from metering.funding.deposit import Booking, Kind, Rules
from metering.funding.deposit_store import MemoryDeposits, Reading
from metering.funding.taker import DepositTaker
from metering.ledger.ledger import viewer_account
from metering.ledger.ledger_memory import MemoryLedger
from metering.settlement.chain import ChainUnreachable
from metering.settlement.feed import ChainPayment, HistoryGap
from tests.metering.funding.payments import (
    DEPOSIT,
    FRIENDBOT,
    HOT,
    WALLET,
    XLM,
    MemoryFeed,
    address,
    paid,
    rules,
)


class Died(BaseException):
    """The process ends here."""


class Deposits(MemoryDeposits):
    """A store at whose door the process may die, before or after it has booked a page."""

    def __init__(self, ledger: MemoryLedger) -> None:
        super().__init__(ledger)
        self.dies: list[str] = []
        self.booked = asyncio.Event()

    async def take(self, reading: Reading) -> list[Booking]:
        when = self.dies.pop(0) if self.dies else ""
        if when == "before":
            raise Died
        taken = await super().take(reading)
        if when == "after":
            raise Died
        self.booked.set()
        return taken


@dataclass
class World:
    """A taker with its feeds, and who was credited."""

    rules: Rules = field(default_factory=rules)
    elsewhere: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger()
        self.deposits = Deposits(self.ledger)
        self.feeds = [MemoryFeed(each) for each in self.rules.addresses.watched]
        self.credited: list[tuple[str, str]] = []
        self.begin()

    def begin(self) -> None:
        """A new process on the same books."""
        self.taker = DepositTaker(
            self.feeds,
            self.deposits,
            self.rules,
            lambda account, asset: self.credited.append((account, asset)),
            [self],
        )

    async def books(self, payment: ChainPayment) -> bool:
        return payment.source in self.elsewhere

    def pay(self, *payments: ChainPayment) -> None:
        for feed in self.feeds:
            feed.pay(*payments)

    async def has(self, account: str) -> int:
        balance: int = (await self.ledger.balances(account)).get(account, 0)
        return balance


async def test_every_payment_is_booked_once_though_the_process_dies_around_it() -> None:
    world = World()
    number = await world.deposits.number("acc_ana")
    world.feeds[0].page_max = 2
    world.pay(*(paid(n, number=number) for n in range(1, 8)), paid(8), paid(9, source=FRIENDBOT))
    world.deposits.dies = ["", "before", "after", "before", "", "after"]
    deaths = 0
    while True:
        try:
            await world.taker.take()
            break
        except Died:
            deaths += 1
            world.begin()
    assert deaths == 4
    assert await world.has(viewer_account("acc_ana", "XLM").id) == 7 * XLM
    assert await world.has("suspense:XLM") == XLM
    assert await world.has("treasury:XLM") == XLM
    assert await world.has("chain:hot:XLM") == -9 * XLM
    assert await world.taker.take() == []
    assert set(world.credited) == {("acc_ana", "XLM")}
    assert (await world.ledger.check()).sound


async def test_a_node_that_forgot_what_was_not_read_stops_everything() -> None:
    world = World()
    world.pay(paid(1))
    await world.taker.take()
    world.pay(paid(2), paid(3))
    world.feeds[0].forgotten = 2
    with pytest.raises(HistoryGap):
        await world.taker.take()
    assert await world.has("suspense:XLM") == XLM
    world.feeds[0].gap_found.clear()
    await world.taker.start()
    async with asyncio.timeout(20):
        await world.feeds[0].gap_found.wait()
    await world.taker.stop()
    assert "ledger 102" in str(world.taker.halted)
    # Another node has it all.
    world.feeds[0].forgotten = 0
    assert len(await world.taker.take()) == 2
    assert str(world.taker.halted) == "None"
    assert await world.has("suspense:XLM") == 3 * XLM


async def test_a_chain_that_is_away_is_asked_again_from_where_it_was() -> None:
    world = World()
    world.pay(paid(1), paid(2))
    world.feeds[0].failures = [ChainUnreachable("gone")]
    with pytest.raises(ChainUnreachable):
        await world.taker.take()
    await world.taker.start()
    async with asyncio.timeout(20):
        await world.deposits.booked.wait()
    await world.taker.stop()
    assert await world.has("suspense:XLM") == 2 * XLM


async def test_what_others_book_is_left_to_them() -> None:
    contract = f"C{'A' * 55}"
    world = World(elsewhere={contract})
    nothing = paid(1, 0, number=7)
    world.pay(nothing, paid(1, source=contract), paid(2, source=HOT, destination=WALLET))
    assert await world.taker.take() == []
    assert await world.has("chain:hot:XLM") == 0
    assert (await world.deposits.position(HOT)).cursor == paid(2).cursor


async def test_what_was_booked_before_payments_were_read_is_not_booked_again() -> None:
    world = World()
    world.deposits._positions[HOT] = (await world.deposits.position(HOT))._replace(booked_until=102)
    world.pay(*(paid(n, source=FRIENDBOT) for n in (1, 2, 3)))
    [booking] = await world.taker.take()
    assert (booking.kind, booking.payment.ledger) == (Kind.GIFT, 103)


async def test_deposits_to_another_address_and_what_is_moved_from_there_come_to_the_chain() -> None:
    world = World(rules(deposit=DEPOSIT))
    number = await world.deposits.number("acc_ana")
    world.pay(
        paid(1, 5 * XLM, number=number, destination=DEPOSIT),
        paid(2, 4 * XLM, source=DEPOSIT),
        paid(3, source=FRIENDBOT),
        paid(4, source=address("somebody"), destination=DEPOSIT),
    )
    await world.taker.take()
    await world.taker.take()
    assert await world.has("chain:deposit:XLM") == -2 * XLM
    assert await world.has("chain:hot:XLM") == -5 * XLM
    assert await world.has("viewer:acc_ana:XLM") == 5 * XLM
    assert await world.has("treasury:XLM") == await world.has("suspense:XLM") == XLM
    assert (await world.ledger.check()).sound
