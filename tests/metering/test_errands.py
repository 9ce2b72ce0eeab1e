"""Errands are done alike ones together, and a failure goes to whom it concerns."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from metering.book import Book
from metering.errands import Errands
from metering.errors import InsufficientFunds, MeterUnavailable
from metering.lease import Server
from metering.ledger import (
    Account,
    Transfer,
    WouldOverdraw,
    hot_account,
    treasury_account,
    viewer_account,
)
from metering.money import Stroops
from metering.rules import MeterRules
from metering.session import Session
from metering.store import MemoryMeterStore
from metering.tariff import Price
from metering.terms import Terms

HOT, TREASURY, V = hot_account("XLM"), treasury_account("XLM"), viewer_account("v", "XLM")


class Store(MemoryMeterStore):
    """Counts the questions it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.hangs = False

    async def open(self, sessions: Sequence[Session], fence: int) -> None:
        self.asked.append(f"open {len(sessions)}")
        await super().open(sessions, fence)

    async def balances(self, accounts: Sequence[str]) -> dict[str, Stroops]:
        self.asked.append(f"balances {len(accounts)}")
        if self.hangs:
            await asyncio.get_running_loop().create_future()
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
    errands = Errands(store, book)
    opened = [errands.open(session(i)) for i in range(5)]
    assert errands
    await errands.run(now=0)
    await asyncio.gather(*opened)
    assert not errands
    assert len(book) == 5
    assert store.asked == ["balances 1", "open 5"]


async def test_one_who_cannot_pay_does_not_stop_the_others(store: Store, book: Book) -> None:
    errands = Errands(store, book)
    poor, rich = errands.open(session(1, "poor")), errands.open(session(2))
    await errands.run(now=0)
    with pytest.raises(InsufficientFunds):
        await poor
    await rich
    assert len(book) == 1


async def test_a_credit_is_seen_by_the_wallet(store: Store, book: Book) -> None:
    errands = Errands(store, book)
    opened = errands.open(session(1))
    await errands.run(now=0)
    await opened
    good = errands.credit([], [transfer("more", HOT, V, 11)])
    bad = errands.credit([TREASURY], [transfer("bad", TREASURY, V, 1)])
    await errands.run(now=0)
    await good
    with pytest.raises(WouldOverdraw):
        await bad
    assert book.available(V.id) == 111


async def test_a_balance_is_read_again(store: Store, book: Book) -> None:
    errands = Errands(store, book)
    opened = errands.open(session(1))
    await errands.run(now=0)
    await opened
    await store.post([], [transfer("dep", HOT, V, 7)])
    errands.reread(V.id)
    await errands.run(now=0)
    assert book.available(V.id) == 107
    await store.post([], [transfer("dep2", HOT, V, 7)])
    read = errands.read(V.id)
    await errands.run(now=0)
    await read
    assert book.available(V.id) == 114


async def test_what_waits_can_be_refused(store: Store, book: Book) -> None:
    errands = Errands(store, book)
    waiting = [errands.open(session(1)), errands.read(V.id), errands.credit([], [])]
    errands.fail(MeterUnavailable("gone"))
    for each in waiting:
        with pytest.raises(MeterUnavailable):
            await each
    assert not errands


async def test_a_store_that_hangs_is_given_up(
    store: Store, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metering.errands.INTAKE_COMMIT_MS_MAX", 10)
    errands = Errands(store, book)
    opened = errands.open(session(1))
    store.hangs = True
    await errands.run(now=0)
    with pytest.raises(MeterUnavailable, match="too long"):
        await opened
