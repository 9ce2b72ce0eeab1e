"""Both meter stores save the same things, and the schema's function enters what the rules say.

Batches come from a real `Book`; `SessionChange`s are only edited to be wrong.
"""

import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.clock import SystemClock
from config.ids import new_id
from config.postgres import CheckViolationError, Database
from metering.book import NO_TICKET, Book
from metering.errors import BooksDisagree
from metering.leases.lease import Server
from metering.ledger.ledger import (
    Standing,
    Transfer,
    WouldOverdraw,
    hot_account,
    viewer_account,
)
from metering.ledger.ledger_memory import MemoryLedger
from metering.money import Stroops
from metering.repricing import PriceChange
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.session import Allowance, Batch, Session, unstarted
from metering.store import MemoryMeterStore
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price, RungPrice, Tariff
from metering.terms import Terms
from tests.metering.test_tariff import counted, tariffs, watched

Store = MemoryMeterStore | PostgresMeterStore

OPENED = datetime(2026, 11, 21, 4, 5, 6, tzinfo=UTC)
HOT = hot_account("XLM")
SERVER = Server("srv_1", "https://one.example")
PRICE = Price("XLM", 100, 1)
SEGMENT = 2 * UNITS_PER_SECOND


@pytest.fixture
def memory() -> MemoryMeterStore:
    return MemoryMeterStore(MemoryLedger(SystemClock()))


@pytest.fixture
def postgres(database: Database) -> PostgresMeterStore:
    return PostgresMeterStore(database)


@pytest.fixture(params=["memory", "postgres"])
def named(request: pytest.FixtureRequest) -> Store:
    made: Store = request.getfixturevalue(request.param)
    return made


@pytest.fixture
async def store(named: Store) -> AsyncIterator[Store]:
    yield named
    assert (await named.ledger.check()).sound


def session(name: str, viewer: str = "v", price: Price = PRICE) -> Session:
    return Session(f"ses_{name}", viewer, "ast_1", "creator", Terms.of(price), OPENED)


async def opened(store: Store, *sessions: Session, balance: int = 10_000) -> Book:
    """A book over sessions that exist and whose viewers have money."""
    for viewer in {each.viewer: each for each in sessions}.values():
        account = viewer_account(viewer.viewer, viewer.price.asset)
        fund = Transfer(f"fund-{account.id}", HOT.id, account.id, Stroops(balance), "XLM", "fund")
        await store.post([HOT, account], [fund])
    book = Book(MeterRules(), wall_offset_ms=1_800_000_000_000)
    book.fence = await store.leases.acquire(SERVER, 60_000, succeed=False)
    await store.open(sessions, book.fence)
    for each in sessions:
        book.add(unstarted(each), balance, None, 0)
    return book


def play(book: Book, session_id: str, i: int, now: int) -> None:
    file = (i, i * SEGMENT, (i + 1) * SEGMENT, 0)
    ticket, _ = book.request(session_id, file, now)
    book.finish(session_id, ticket, complete=True, now=now)


async def save(store: Store, book: Book) -> Batch:
    batch = book.changes(100)
    await store.commit(batch)
    book.committed(batch)
    return batch


async def test_what_was_committed_is_what_is_read(store: Store) -> None:
    one = session("1")
    book = await opened(store, one)
    assert (await store.session(one.id)) == unstarted(one)
    for i in range(3):
        play(book, one.id, i, now=i * 500)
    batch = await save(store, book)
    saved = await store.session(one.id)
    assert saved == batch.changes[0].saved
    assert saved is not None
    assert await store.open_sessions() == [saved]
    assert (saved.totals.ticks, saved.amount, saved.totals.drawn) == (3, 300, 600)
    state = saved.meter_state()
    assert state is not None
    assert state.covered == [(0, 3 * SEGMENT)]


async def test_money_goes_from_the_viewer_over_the_hold_to_the_creator(store: Store) -> None:
    one = session("1")
    book = await opened(store, one)
    for i in range(3):
        play(book, one.id, i, now=0)
    await save(store, book)
    book.request(one.id, (3, 3 * SEGMENT, 4 * SEGMENT, 0), now=2000)
    await save(store, book)
    book.close(one.id, now=3000)
    await save(store, book)
    entries = await store.ledger.transfers_of(one.hold_account)
    assert [
        (entry.transfer.id, entry.transfer.cause, entry.transfer.amount) for entry in entries
    ] == [
        ("ses_1:1:hold", "hold", 600),
        ("ses_1:1:post", "post", 200),
        ("ses_1:2:hold", "hold", 200),
        ("ses_1:2:post", "post", 200),
        ("ses_1:3:void", "void", 300),
        ("ses_1:3:post", "post", 100),
    ]
    assert await store.balances([one.viewer_account, one.hold_account, one.creator_account]) == {
        one.viewer_account: 9_500,
        one.hold_account: 0,
        one.creator_account: 500,
    }
    # What earns is said to stand where the journal has its last transfer.
    assert await store.ledger.standings("creator:", Stroops(1)) == {
        one.creator_account: Standing(Stroops(500), entries[-1].position)
    }


async def test_what_a_viewer_spent_on_a_day_is_of_that_viewer_that_asset_and_that_day(
    store: Store,
) -> None:
    midnight = datetime.now(UTC) - timedelta(hours=1)
    begun = dataclasses.replace(session("1"), opened_at=midnight)
    older = dataclasses.replace(session("2"), opened_at=midnight - timedelta(hours=9))
    elsewhere = dataclasses.replace(begun, id="ses_3", asset_id="ast_2")
    another = dataclasses.replace(session("4", "w"), opened_at=midnight)
    all_ = (begun, older, elsewhere, another)
    book = await opened(store, *all_)
    for each in all_:
        for i in range(2):
            play(book, each.id, i, now=0)
    await save(store, book)
    book.request(begun.id, (2, 2 * SEGMENT, 3 * SEGMENT, 0), now=0)
    await save(store, book)
    # What is held for the one that began today counts, and what the other one was charged since.
    assert await store.spent("v", "ast_1", midnight) == 600 + 200
    assert await store.spent("v", "ast_2", midnight) == 400
    assert await store.spent("w", "ast_1", midnight) == 400
    assert await store.spent("v", "ast_1", midnight - timedelta(hours=9)) == 600 + 400
    assert await store.spent("v", "ast_1", datetime.now(UTC) + timedelta(hours=1)) == 0


async def test_a_batch_sent_again_changes_nothing(store: Store) -> None:
    one = session("1")
    book = await opened(store, one)
    play(book, one.id, 0, now=0)
    batch = await save(store, book)
    await store.commit(batch)
    assert await store.balances([one.hold_account]) == {one.hold_account: 200}
    play(book, one.id, 1, now=2000)
    await save(store, book)
    with pytest.raises(BooksDisagree):
        await store.commit(batch)
    assert await store.balances([one.creator_account]) == {one.creator_account: 200}


async def test_another_batch_under_the_same_revision_is_no_repetition(store: Store) -> None:
    one = session("1")
    ours, theirs = await opened(store, one), Book(MeterRules(), wall_offset_ms=0)
    theirs.add(unstarted(one), 10_000, None, 0)
    theirs.fence = ours.fence
    play(theirs, one.id, 7, now=0)
    await save(store, theirs)
    play(ours, one.id, 0, now=0)
    with pytest.raises(BooksDisagree):
        await store.commit(ours.changes(100))


async def test_an_ended_session_is_read_but_not_among_the_open_ones(store: Store) -> None:
    one = session("1")
    book = await opened(store, one)
    book.close(one.id, now=60_000)
    await save(store, book)
    saved = await store.session(one.id)
    assert saved is not None
    assert saved.closed_at == datetime.fromtimestamp(1_800_000_060, UTC)
    assert await store.open_sessions() == []
    assert await store.session("ses_other") is None


async def test_a_session_that_another_process_went_on_with_is_refused(store: Store) -> None:
    one, two = session("1", "v1"), session("2", "v2")
    ours, theirs = await opened(store, one, two), Book(MeterRules(), wall_offset_ms=0)
    theirs.fence = ours.fence
    theirs.add(unstarted(two), 10_000, None, 0)
    play(theirs, two.id, 0, now=0)
    play(theirs, two.id, 1, now=0)
    await save(store, theirs)
    play(ours, one.id, 0, now=0)
    play(ours, two.id, 0, now=0)
    with pytest.raises(BooksDisagree):
        await store.commit(ours.changes(100))
    assert await store.balances([one.viewer_account]) == {one.viewer_account: 10_000}


async def test_a_session_nobody_opened_is_refused(store: Store) -> None:
    one = session("1")
    book = Book(MeterRules(), wall_offset_ms=0)
    book.fence = await store.leases.acquire(SERVER, 60_000, succeed=False)
    book.add(unstarted(one), 10_000, None, 0)
    play(book, one.id, 0, now=0)
    with pytest.raises(BooksDisagree):
        await store.commit(book.changes(100))


async def test_an_ended_session_takes_nothing_more(store: Store) -> None:
    one = session("1")
    book = await opened(store, one)
    play(book, one.id, 0, now=0)
    book.close(one.id, now=0)
    closed = (await save(store, book)).changes[0]
    saved = closed.saved._replace(revision=2)
    # In order, but for its time.
    late = closed._replace(saved=saved, first_tick=saved.totals.ticks, drawn=0, amount=0, served=())
    with pytest.raises(BooksDisagree):
        await store.commit(Batch((late.row,), (), book.fence))


async def test_a_viewer_who_spent_the_money_elsewhere_is_refused_with_the_batch(
    store: Store,
) -> None:
    poor, rich = session("1", "poor"), session("2", "rich")
    book = await opened(store, poor, rich)
    spent = Transfer("spent", poor.viewer_account, HOT.id, Stroops(9_900), "XLM", "withdraw")
    await store.post([], [spent])
    play(book, poor.id, 0, now=0)
    play(book, rich.id, 0, now=0)
    with pytest.raises(WouldOverdraw) as refused:
        await store.commit(book.changes(100))
    assert refused.value.account == poor.viewer_account
    assert await store.balances([rich.hold_account]) == {rich.hold_account: 0}
    assert (await store.session(rich.id)) == unstarted(rich)


async def test_void_budgets_are_kept_for_each_viewer(store: Store) -> None:
    one = session("1")
    book = await opened(store, one)
    used = Allowance("v", OPENED, 90)
    play(book, one.id, 0, now=0)
    batch = dataclasses.replace(book.changes(100), allowances=(used,))
    await store.commit(batch)
    book.committed(batch)
    assert await store.allowances(["v", "w"]) == {"v": used}
    later = Allowance("v", OPENED + timedelta(hours=2), 7)
    play(book, one.id, 1, now=5000)
    await store.commit(dataclasses.replace(book.changes(100), allowances=(later,)))
    assert await store.allowances(["v"]) == {"v": later}


async def test_opening_twice_keeps_what_there_is(store: Store) -> None:
    one = session("1")
    book = await opened(store, one)
    play(book, one.id, 0, now=0)
    await save(store, book)
    await store.open([one], book.fence)
    saved = await store.session(one.id)
    assert saved is not None
    assert saved.revision == 1


@pytest.fixture
def rows(request: pytest.FixtureRequest, named: Store) -> Database | None:
    """The database of a store that has one."""
    if isinstance(named, MemoryMeterStore):
        return None
    database: Database = request.getfixturevalue("database")
    return database


async def promises(store: Store, database: Database | None) -> list[tuple[str, int, int, int, int]]:
    """Session, revision, sequence, lo and hi of all that was promised."""
    if isinstance(store, MemoryMeterStore):
        kept = [(s, revision, *served) for (s, _, revision), served in store.deliveries.items()]
        return sorted(kept)
    assert database is not None
    rows = await database.fetch(
        "SELECT session_id, revision, sequence, lo, hi FROM delivery ORDER BY 1, 2, 3"
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


async def test_each_commit_notes_what_was_promised_since_the_last_one(
    store: Store, rows: Database | None
) -> None:
    """Parts of a segment are one row of a commit; a segment that was left and is fetched again has
    another one; and a batch that is sent again adds none.
    """
    one, part = session("1"), UNITS_PER_SECOND // 5
    book = await opened(store, one)
    for i in range(13):
        file = (i // 10, i * part, (i + 1) * part, 0)
        ticket = book.request_at_once(one.id, file, now=200 * i, prompt=True)
        assert ticket is not None
        book.finish(one.id, ticket, complete=True, now=200 * i)
        if i in (6, 12):
            await store.commit(await save(store, book))
    ticket, _ = book.request(one.id, (1, 10 * part, 20 * part, 0), now=2_600)
    await save(store, book)
    book.finish(one.id, ticket, complete=False, now=2_600)
    ticket, _ = book.request(one.id, (1, 10 * part, 20 * part, 0), now=2_600)
    await save(store, book)
    assert await promises(store, rows) == [
        (one.id, 1, 0, 0, 7 * part),
        (one.id, 2, 0, 7 * part, 10 * part),
        (one.id, 2, 1, 10 * part, 13 * part),
        (one.id, 3, 1, 10 * part, 20 * part),
        (one.id, 4, 1, 10 * part, 20 * part),
    ]
    book.finish(one.id, ticket, complete=True, now=2_600)
    book.close(one.id, now=2_600)
    await save(store, book)
    assert await store.balances([one.creator_account]) == {one.creator_account: 400}


async def test_the_schema_itself_refuses_ticks_that_do_not_add_up(
    postgres: PostgresMeterStore,
) -> None:
    one = session("1")
    book = await opened(postgres, one)
    play(book, one.id, 0, now=0)
    change = book.changes(1).changes[0]
    wrong = change._replace(amount=199)
    with pytest.raises(BooksDisagree, match="playback_session_amount"):
        await postgres.commit(Batch((wrong.row,), (), book.fence))
    gap = change._replace(first_tick=1)
    with pytest.raises(BooksDisagree):
        await postgres.commit(Batch((gap.row,), (), book.fence))


_moves = st.lists(
    st.tuples(
        st.sampled_from(["play", "play", "part", "jump", "abort", "wait", "save", "close"]),
        st.integers(0, 2),
        st.sampled_from([0, 700, 2000, 30_000]),
    ),
    max_size=25,
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves=_moves, data=st.data())
async def test_random_sessions_end_alike_in_memory_and_in_postgres(
    moves: list[tuple[str, int, int]], data: st.DataObject, database: Database
) -> None:
    run = await database.fetchval("SELECT count(*) FROM playback_session")
    price = Price("XLM", data.draw(st.integers(0, 50)), data.draw(st.sampled_from([1, 7])))
    # Two of the three sessions share a wallet.
    sessions = [session(f"{run}-{i}", f"v{run}-{i // 2}", price) for i in range(3)]
    one, two = MemoryMeterStore(), PostgresMeterStore(database)
    book = await opened(one, *sessions, balance=700)
    fence = (await opened(two, *sessions, balance=700)).fence
    place, now = [0, 0, 0], 0
    for what, i, passing in [*moves, ("save", 0, 0)]:
        now += passing
        name = sessions[i].id
        if what == "save":
            batch = book.changes(100)
            await one.commit(batch)
            await two.commit(dataclasses.replace(batch, fence=fence))
            book.committed(batch)
        elif what == "wait":
            book.sweep(now, quiet_ms=0, idle_ms=10**9, limit=3)
        elif book.is_open(name) and what == "close":
            book.close(name, now)
        elif book.is_open(name):
            place[i] += 50 if what == "jump" else 0
            served = (place[i], place[i] * SEGMENT, (place[i] + 1) * SEGMENT, 0)
            if what == "part":
                ticket = book.request_at_once(name, served, now, prompt=True) or NO_TICKET
            else:
                ticket, _ = book.request(name, served, now)
            book.finish(name, ticket, complete=what != "abort", now=now)
            place[i] += 1
    for each in sessions:
        assert await one.session(each.id) == await two.session(each.id)
        for account in (each.viewer_account, each.hold_account):
            ours = [entry.transfer for entry in await one.ledger.transfers_of(account)]
            theirs = [entry.transfer for entry in await two.ledger.transfers_of(account)]
            assert sorted(ours, key=repr) == sorted(theirs, key=repr)
    viewers = [each.viewer for each in sessions]
    assert await one.allowances(viewers) == await two.allowances(viewers)
    ids = {each.id for each in sessions}
    noted = [each for each in await promises(two, database) if each[0] in ids]
    assert await promises(one, None) == noted


# --- tariffs --------------------------------------------------------------------------------------

RICH_TARIFF = Tariff(
    price=Price("XLM", 100, 3),
    view_stroops=70,
    free_seconds=1,
    session_cap=900,
    rungs=(RungPrice(720, Price("XLM", 50, 3)), RungPrice(1080, Price("XLM", 20, 1))),
)


async def test_sessions_of_every_tariff_are_read_as_they_were_committed(store: Store) -> None:
    """And of several ones in turn, each of which charges for what was watched under it."""
    one = Session("ses_1", "v", "ast_1", "creator", Terms(RICH_TARIFF), OPENED)
    book = await opened(store, one)
    heights = (360, 1080, 720, 0, 1080, 480, 1440)
    tariffs = (
        RICH_TARIFF,
        Tariff(Price("XLM", 10, 1)),
        dataclasses.replace(RICH_TARIFF, free_seconds=9),
    )
    amounts, amount = [], Stroops(0)
    for turn, tariff in enumerate(tariffs):
        moment = OPENED + timedelta(seconds=turn)
        book.announce(PriceChange("ast_1", tariff, moment, moment))
        if book.notice(one.id) is not None:
            book.agree(one.id, tariff.id)
        book.end_prices(0)
        for i, height in enumerate(heights):
            place = turn * len(heights) + i
            now = place * 2_000
            file = (place, place * SEGMENT, (place + 1) * SEGMENT, height)
            ticket, _ = book.request(one.id, file, now)
            book.finish(one.id, ticket, complete=True, now=now)
            batch = await save(store, book)
            await store.commit(batch)  # again is the same as once
            assert await store.session(one.id) == batch.changes[0].saved
            amount = batch.changes[0].saved.amount
        amounts.append(amount)
    # Each turn's last segment has time to be watched in the next one, and is charged there.
    assert amounts == [579, 839, 900]


_INSERT = """
INSERT INTO playback_session (
    id, viewer, asset_id, payee, opened_at, viewer_account, hold_account, creator_account, fence,
    epoch, price_asset, price_stroops, price_seconds, view_stroops, free_seconds, cap,
    rung_stroops, rung_seconds, rung_ticks, since_ticks, since_rungs, paid, ticks, posted_units,
    amount, drawn
) VALUES (
    $1, 'v', 'a', 'c', now(), 1, 2, 3, 0, 1, 'XLM', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
    $13::bigint, $13::bigint * 90000, $14, $14
)
"""


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
async def test_the_schema_takes_what_terms_come_to_and_nothing_else(
    database: Database, data: st.DataObject
) -> None:
    tariff, before = data.draw(tariffs()), data.draw(tariffs())
    seconds, more = data.draw(watched), data.draw(watched)
    paid = before.cost(*counted(before, seconds))
    since, since_rungs = counted(tariff, seconds)
    total, rungs = counted(tariff, seconds + more)
    amount = Terms(tariff, since, since_rungs, paid).cost(total, rungs)
    row = (
        *(tariff.price.stroops, tariff.price.seconds, tariff.view_stroops, tariff.free_seconds),
        tariff.session_cap,
        [rung.price.stroops for rung in tariff.rungs] or None,
        [rung.price.seconds for rung in tariff.rungs] or None,
        *(list(rungs) or None, since, list(since_rungs) or None, paid, total),
    )
    await database.execute(_INSERT, new_id("ses", 0), *row, amount)
    for wrong in (amount - 1, amount + 1):
        with pytest.raises(CheckViolationError, match="playback_session_amount"):
            await database.execute(_INSERT, new_id("ses", 0), *row, wrong)
