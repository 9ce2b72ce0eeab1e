"""Both stores of passes sell one at a time, for what it costs, to who has that."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from api.auth.account import AccountKind, new_account
from api.auth.account_postgres import PostgresAccountStore
from config.postgres import Database
from metering.ledger.ledger import (
    Ledger,
    Transfer,
    WouldOverdraw,
    creator_account,
    hot_account,
    viewer_account,
)
from metering.ledger.ledger_memory import MemoryLedger
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.passes.passes import Content, Pass, Sale, Sold, passes_account
from metering.passes.store import MemoryPassStore, PassStore
from metering.passes.store_postgres import PostgresPassStore
from metering.shares.splits import Share, Split, platform_account
from metering.shares.store_postgres import PostgresSplitStore

SPLIT = Split((Share("acc_a", 3_333), Share("acc_b", 6_667)), fee=250)
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIVE = Content("ast_1", "src_1", NOW - HOUR)
HOT = hot_account("XLM")


@dataclass
class Shop:
    """A store, its ledger, and somebody who has 3,000 stroops."""

    store: PassStore
    ledger: Ledger
    viewer: str

    async def fund(self) -> None:
        own = viewer_account(self.viewer, "XLM")
        await self.ledger.open_accounts([HOT, own])
        gift = Transfer("gift", HOT.id, own.id, Stroops(3_000), "XLM", "play_money")
        await self.ledger.post([gift])

    def sale(self, name: str, price: int = 1_001, hours: int = 24, at: datetime = NOW) -> Sale:
        sold = Pass(name, self.viewer, LIVE.id, LIVE.source, hours, "XLM", Stroops(price), at)
        return Sale(sold, SPLIT)

    async def balances(self) -> list[int]:
        """What the viewer has, what lies in between, and what the others have."""
        accounts = [viewer_account(self.viewer, "XLM"), passes_account("XLM")]
        accounts += [platform_account("XLM"), *(creator_account(f"acc_{n}", "XLM") for n in "ab")]
        await self.ledger.open_accounts(accounts)
        return [await self.ledger.balance(each.id) for each in accounts]


@pytest.fixture
def memory() -> tuple[PassStore, Ledger]:
    ledger = MemoryLedger()
    return MemoryPassStore(ledger), ledger


@pytest.fixture
def postgres(database: Database) -> tuple[PassStore, Ledger]:
    ledger = PostgresLedger(database)
    return PostgresPassStore(database, ledger, PostgresSplitStore(database, ledger)), ledger


@pytest.fixture(params=["memory", "postgres"])
def named(request: pytest.FixtureRequest) -> tuple[PassStore, Ledger]:
    made: tuple[PassStore, Ledger] = request.getfixturevalue(request.param)
    return made


@pytest.fixture
async def shop(named: tuple[PassStore, Ledger], database: Database) -> AsyncIterator[Shop]:
    viewer = new_account(AccountKind.GUEST, "Guest", 0)
    await PostgresAccountStore(database).create(viewer, bytes(32))
    made = Shop(*named, viewer.id)
    await made.fund()
    yield made
    assert (await made.ledger.check()).sound


async def test_a_pass_is_bought_once_and_its_price_shared_out_with_it(shop: Shop) -> None:
    sale = shop.sale("pas_1")
    for _ in range(2):
        assert await shop.store.buy(sale, LIVE) == sale.sold
    assert await shop.balances() == [1_999, 0, 25, 325, 651]
    assert await shop.store.get("pas_1") == sale.sold
    assert await shop.store.get("pas_2") is None
    assert await shop.store.sold("acc_b", "XLM") == Sold(1, Stroops(651))
    assert await shop.store.sold("acc_b", "EUR") == Sold(0, Stroops(0))
    assert await shop.store.sold("acc_c", "XLM") == Sold(0, Stroops(0))


async def test_whoever_has_a_good_pass_gets_no_second_one(shop: Shop) -> None:
    first = shop.sale("pas_1")
    await shop.store.buy(first, LIVE)
    ends = first.sold.ends
    for at in (NOW, ends - timedelta(seconds=1)):
        assert await shop.store.buy(shop.sale("pas_2", at=at), LIVE) == first.sold
    assert (await shop.balances())[0] == 1_999
    again = shop.sale("pas_2", at=ends)
    assert await shop.store.buy(again, LIVE) == again.sold
    assert (await shop.balances())[0] == 998


async def test_two_at_once_are_one(shop: Shop) -> None:
    sales = [shop.sale(f"pas_{n}") for n in range(4)]
    bought = await asyncio.gather(*(shop.store.buy(each, LIVE) for each in sales))
    assert len(set(bought)) == 1
    assert (await shop.balances())[0] == 1_999


async def test_who_has_too_little_buys_nothing(shop: Shop) -> None:
    with pytest.raises(WouldOverdraw):
        await shop.store.buy(shop.sale("pas_1", price=3_001), LIVE)
    assert await shop.store.of(shop.viewer, 9) == []
    assert await shop.balances() == [3_000, 0, 0, 0, 0]


async def test_what_a_pass_is_good_for_is_found_the_longest_first(shop: Shop) -> None:
    short, long = shop.sale("pas_1", 10, hours=1), shop.sale("pas_2", 20, hours=5, at=NOW + HOUR)
    for each in (short, long):
        await shop.store.buy(each, LIVE)
    assert await shop.store.of(shop.viewer, 9) == [long.sold, short.sold]
    assert await shop.store.of(shop.viewer, 1) == [long.sold]
    assert await shop.store.of("acc_other", 9) == []
    contents = [
        LIVE,
        Content("ast_2", "src_1", NOW + 2 * HOUR),
        Content("ast_2", "src_1", NOW - HOUR),
        Content("ast_3", None, NOW + 2 * HOUR),
    ]
    for at in (NOW, NOW + HOUR, NOW + 2 * HOUR, NOW + 6 * HOUR):
        for content in contents:
            good = [each.sold for each in (long, short) if each.sold.is_good(content, at)]
            found = await shop.store.good(shop.viewer, content, at)
            assert found == (good[0] if good else None), (content, at)
    assert await shop.store.good("acc_other", LIVE, NOW) is None


async def test_a_price_that_only_some_share_leaves_nothing_in_between(shop: Shop) -> None:
    mite = shop.sale("pas_1", price=1)
    await shop.store.buy(
        replace(mite, split=Split((Share("acc_a", 1), Share("acc_b", 9_999)))), LIVE
    )
    assert await shop.balances() == [2_999, 0, 0, 0, 1]
