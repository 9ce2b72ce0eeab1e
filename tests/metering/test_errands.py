"""Errands are done alike ones together, and a failure goes to whom it concerns."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from config.clock import ManualClock
from metering.book import Book
from metering.errands import Errands
from metering.errors import InsufficientFunds, MeterUnavailable
from metering.leases.lease import Server
from metering.ledger.ledger import (
    Account,
    Transfer,
    WouldOverdraw,
    hot_account,
    treasury_account,
    viewer_account,
)
from metering.money import Stroops
from metering.offer import Offer
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.session import Session
from metering.store import MemoryMeterStore
from metering.tariff import Price
from metering.terms import Terms

OFFER = Offer.of(Price("XLM", 10, 1))
HOT, TREASURY, V = hot_account("XLM"), treasury_account("XLM"), viewer_account("v", "XLM")


class Store(MemoryMeterStore):
    """Counts the questions it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.hangs = False
        self._waiting = asyncio.Event()

    def goes_on(self) -> None:
        self._waiting.set()

    async def open(self, sessions: Sequence[Session], fence: int) -> None:
        self.asked.append(f"open {len(sessions)}")
        await super().open(sessions, fence)

    async def balances(self, accounts: Sequence[str]) -> dict[str, Stroops]:
        self.asked.append(f"balances {len(accounts)}")
        if self.hangs:
            await self._waiting.wait()
        return await super().balances(accounts)


def session(i: int, viewer: str = "v") -> Session:
    opened_at = datetime(2026, 11, 21, tzinfo=UTC)
    return Session(f"ses_{i}", viewer, "ast", "creator", Terms.of(Price("XLM", 10, 1)), opened_at)


def transfer(name: str, debit: Account, credit: Account, amount: int) -> Transfer:
    return Transfer(name, debit.id, credit.id, Stroops(amount), "XLM", "test")


@pytest.fixture
async def book(store: Store) -> Book:
    book = Book(MeterRules(), 0)
    book.fence = await store.leases.acquire(Server("srv"), 1_000, succeed=True)
    return book


@pytest.fixture
async def store() -> Store:
    store = Store()
    await store.post([HOT, V], [transfer("fund", HOT, V, 100)])
    return store


async def test_sessions_that_open_at_once_are_asked_about_once(store: Store, book: Book) -> None:
    errands = Errands(store, book, ManualClock())
    opened = [errands.open(session(i), OFFER) for i in range(5)]
    assert errands
    await errands.run()
    await asyncio.gather(*opened)
    assert not errands
    assert len(book) == 5
    assert store.asked == ["balances 1", "open 5"]


async def test_a_session_is_watched_from_when_it_is_there(store: Store, book: Book) -> None:
    """And not since the errands began, which may be seconds ago (simulated history 256)."""
    clock = ManualClock()
    errands = Errands(store, book, clock)
    store.hangs = True
    opened = errands.open(session(0), OFFER)
    running = asyncio.ensure_future(errands.run())
    await asyncio.sleep(0)
    clock.advance(3_000)
    store.goes_on()
    await asyncio.gather(running, opened)
    book.request("ses_0", (0, 0, 4 * UNITS_PER_SECOND, 0), clock.monotonic_ms())
    [change] = book.changes(1).changes
    state = change.saved.meter_state()
    assert state is not None
    assert state.presence_ms == 0


async def test_one_who_cannot_pay_does_not_stop_the_others(store: Store, book: Book) -> None:
    errands = Errands(store, book, ManualClock())
    poor, rich = errands.open(session(1, "poor"), OFFER), errands.open(session(2), OFFER)
    await errands.run()
    with pytest.raises(InsufficientFunds):
        await poor
    await rich
    assert len(book) == 1


async def test_a_credit_is_seen_by_the_wallet(store: Store, book: Book) -> None:
    errands = Errands(store, book, ManualClock())
    opened = errands.open(session(1), OFFER)
    await errands.run()
    await opened
    good = errands.credit([], [transfer("more", HOT, V, 11)])
    bad = errands.credit([TREASURY], [transfer("bad", TREASURY, V, 1)])
    await errands.run()
    await good
    with pytest.raises(WouldOverdraw):
        await bad
    assert book.wallets.available(V.id) == 111


async def test_a_balance_is_read_again(store: Store, book: Book) -> None:
    errands = Errands(store, book, ManualClock())
    opened = errands.open(session(1), OFFER)
    await errands.run()
    await opened
    await store.post([], [transfer("dep", HOT, V, 7)])
    errands.reread(V.id)
    await errands.run()
    assert book.wallets.available(V.id) == 107
    await store.post([], [transfer("dep2", HOT, V, 7)])
    read = errands.read(V.id)
    await errands.run()
    await read
    assert book.wallets.available(V.id) == 114


async def test_what_waits_can_be_refused(store: Store, book: Book) -> None:
    errands = Errands(store, book, ManualClock())
    waiting = [errands.open(session(1), OFFER), errands.read(V.id), errands.credit([], [])]
    errands.fail(MeterUnavailable("gone"))
    for each in waiting:
        with pytest.raises(MeterUnavailable):
            await each
    assert not errands


async def test_a_store_that_hangs_is_given_up(
    store: Store, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metering.errands.INTAKE_COMMIT_MS_MAX", 10)
    errands = Errands(store, book, ManualClock())
    opened = errands.open(session(1), OFFER)
    store.hangs = True
    await errands.run()
    with pytest.raises(MeterUnavailable, match="too long"):
        await opened
