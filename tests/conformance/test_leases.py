"""Both stores let one process meter a session, and tell the others so."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from config.clock import ManualClock
from config.postgres import Database
from metering.book import Book
from metering.errors import LeaseLost
from metering.leases.lease import Server
from metering.leases.lease_postgres import require_within
from metering.ledger.ledger import Transfer, hot_account, viewer_account
from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.session import Batch, Session
from metering.store import MemoryMeterStore
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price
from metering.terms import Terms

Store = MemoryMeterStore | PostgresMeterStore

ONE, TWO = Server("srv_1", "https://one.example"), Server("srv_2")
HOUR, OVER = 3_600_000, -1
HOT, VIEWER = hot_account("XLM"), viewer_account("v", "XLM")


@pytest.fixture
def memory() -> MemoryMeterStore:
    clock = ManualClock()
    clock.advance(1_000)
    return MemoryMeterStore(clock=clock)


@pytest.fixture
def postgres(database: Database) -> PostgresMeterStore:
    return PostgresMeterStore(database)


@pytest.fixture(params=["memory", "postgres"])
def named(request: pytest.FixtureRequest) -> Store:
    made: Store = request.getfixturevalue(request.param)
    return made


@pytest.fixture
async def store(named: Store) -> Store:
    money = Transfer("fund", HOT.id, VIEWER.id, Stroops(10_000), "XLM", "fund")
    await named.post([HOT, VIEWER], [money])
    return named


def session(name: str) -> Session:
    opened = datetime(2026, 11, 30, tzinfo=UTC)
    return Session(f"ses_{name}", "v", "ast_1", "creator", Terms.of(Price("XLM", 100, 1)), opened)


async def watched(store: Store, fence: int) -> Batch:
    """What is to be saved of every session of a lease after two seconds more were delivered."""
    book = Book(MeterRules(), wall_offset_ms=0)
    book.fence = fence
    for saved in await store.open_sessions(fence):
        book.add(saved, 10_000, None, 0)
        state = saved.meter_state()
        lo = state.covered[-1][1] if state is not None else 0
        hi = lo + 2 * UNITS_PER_SECOND
        ticket, _ = book.request(saved.session.id, (hi // UNITS_PER_SECOND, lo, hi, 0), 0)
        book.finish(saved.session.id, ticket, complete=True, now=0)
    return book.changes(100)


async def held(store: Store, fence: int) -> list[str]:
    return [saved.session.id for saved in await store.open_sessions(fence)]


async def test_fences_grow(store: Store) -> None:
    fences = [await store.leases.acquire(ONE, HOUR, succeed=True) for _ in range(3)]
    assert 0 < fences[0] < fences[1] < fences[2]


async def test_the_next_process_of_a_server_has_its_sessions_at_once_and_no_others(
    store: Store,
) -> None:
    first = await store.leases.acquire(ONE, HOUR, succeed=True)
    other = await store.leases.acquire(TWO, HOUR, succeed=True)
    await store.open([session("1")], first)
    await store.open([session("2")], other)
    late = await watched(store, first)
    second = await store.leases.acquire(ONE, HOUR, succeed=True)
    assert await held(store, first) == []
    assert await held(store, second) == ["ses_1"]
    assert await held(store, other) == ["ses_2"]
    await store.commit(await watched(store, second))
    with pytest.raises(LeaseLost):
        await store.commit(late)
    saved = await store.session("ses_1")
    assert saved is not None
    assert (saved.revision, saved.totals.drawn) == (1, 200)


Late = Callable[[Store, int], Awaitable[object]]
_LATE: dict[str, Late] = {
    "open": lambda store, fence: store.open([session("new")], fence),
    "commit": lambda store, fence: store.commit(Batch((), (), fence)),
    "renew": lambda store, fence: store.leases.renew(fence, HOUR),
    "take over": lambda store, fence: store.leases.take_over(fence, expired=True),
}


@pytest.mark.parametrize("late", _LATE.values(), ids=_LATE.keys())
async def test_who_lost_a_lease_can_do_nothing_under_it(store: Store, late: Late) -> None:
    lost = await store.leases.acquire(ONE, HOUR, succeed=True)
    await late(store, lost)
    await store.leases.acquire(ONE, HOUR, succeed=True)
    with pytest.raises(LeaseLost):
        await late(store, lost)
    with pytest.raises(LeaseLost):
        await late(store, 0)


async def test_a_lease_that_lasts_is_not_taken(store: Store) -> None:
    mine = await store.leases.acquire(ONE, HOUR, succeed=True)
    other = await store.leases.acquire(TWO, HOUR, succeed=True)
    await store.open([session("2")], other)
    assert not await store.leases.renew(mine, HOUR)
    assert not await store.leases.take_over(mine, expired=True)
    assert await store.leases.holder("ses_2") == TWO
    await store.commit(await watched(store, other))


async def test_a_lease_that_ran_out_goes_on_unless_somebody_takes_it(store: Store) -> None:
    mine = await store.leases.acquire(ONE, HOUR, succeed=True)
    other = await store.leases.acquire(TWO, HOUR, succeed=True)
    await store.open([session("2")], other)
    await store.leases.renew(other, OVER)
    assert await store.leases.renew(mine, HOUR)
    assert await store.leases.holder("ses_2") is None
    assert not await store.leases.take_over(mine, expired=False)
    await store.commit(await watched(store, other))
    assert not await store.leases.renew(other, HOUR)
    await store.leases.renew(other, OVER)
    late = await watched(store, other)
    assert await store.leases.take_over(mine, expired=True)
    assert await held(store, mine) == ["ses_2"]
    assert await store.leases.holder("ses_2") == ONE
    with pytest.raises(LeaseLost):
        await store.commit(late)


async def test_what_was_given_back_is_for_whoever_comes_first(store: Store) -> None:
    mine = await store.leases.acquire(ONE, HOUR, succeed=True)
    other = await store.leases.acquire(TWO, HOUR, succeed=True)
    await store.open([session("2"), session("closed")], other)
    batch = await watched(store, other)
    await store.commit(batch)
    await store.leases.release(other)
    assert await store.leases.renew(mine, HOUR)
    assert await store.leases.take_over(mine, expired=False)
    assert sorted(await held(store, mine)) == ["ses_2", "ses_closed"]
    assert not await store.leases.take_over(mine, expired=False)
    await store.leases.release(other)


async def test_who_comes_back_after_it_lost_its_lease_begins_with_nothing(store: Store) -> None:
    """It may be that two processes believe to be the same server: a copied directory."""
    first = await store.leases.acquire(ONE, HOUR, succeed=True)
    await store.open([session("1")], first)
    second = await store.leases.acquire(ONE, HOUR, succeed=True)
    third = await store.leases.acquire(ONE, HOUR, succeed=False)
    assert await held(store, second) == ["ses_1"]
    assert await held(store, third) == []
    assert await store.leases.holder("ses_unknown") is None


async def test_a_commit_under_way_is_waited_for_before_its_sessions_are_read(
    postgres: PostgresMeterStore, database: Database
) -> None:
    first = await postgres.leases.acquire(ONE, HOUR, succeed=True)
    async with asyncio.timeout(30):
        async with database.transaction() as connection:
            await require_within(connection, first)
            taking = asyncio.ensure_future(postgres.leases.acquire(ONE, HOUR, succeed=True))
            assert not await postgres.leases.take_over(
                await postgres.leases.acquire(TWO, HOUR, succeed=True), expired=True
            )
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            while await database.fetchval(waiting) == 0:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0)
            assert not taking.done()
        second = await taking
    with pytest.raises(LeaseLost):
        await postgres.leases.renew(first, HOUR)
    await postgres.leases.renew(second, HOUR)
