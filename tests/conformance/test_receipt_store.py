"""Both receipt stores make sound receipts of what a real book did, each once and in order."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from api.receipt_key import verify
from config.postgres import Database, PostgresError
from metering.book import Book
from metering.leases.lease import Server
from metering.ledger.ledger import Transfer, hot_account, viewer_account
from metering.money import Stroops
from metering.receipts.check import Checked, check_receipt, series_faults
from metering.receipts.receipt import ClosedSession, Receipt, make_receipt
from metering.receipts.store import MemoryReceiptStore, ReceiptStore
from metering.receipts.store_postgres import PostgresReceiptStore
from metering.repricing import PriceChange
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.session import Session, unstarted
from metering.store import MemoryMeterStore
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price, RungPrice, Tariff
from metering.terms import Terms
from tests.metering.receipts import KEY, OPENED, file_of

Store = MemoryMeterStore | PostgresMeterStore

HOT = hot_account("XLM")
SEGMENT = 2 * UNITS_PER_SECOND

PLAIN = Tariff(Price("XLM", 333, 1))
DEARER_PICTURES = Tariff(
    Price("XLM", 100, 3),
    view_stroops=50,
    free_seconds=3,
    rungs=(RungPrice(720, Price("XLM", 7, 2)),),
)


def made(session: ClosedSession, previous: str | None) -> Receipt:
    return make_receipt(session, previous, KEY.name, KEY.sign)


@dataclass
class Theatre:
    """A meter's store, the receipts of its sessions, and what people watch."""

    sessions: Store
    receipts: ReceiptStore
    names: int = 0
    now: int = 0
    book: Book = field(default_factory=lambda: Book(MeterRules(), wall_offset_ms=1_800_000_000_000))

    async def watch(
        self,
        tariff: Tariff = PLAIN,
        segments: int = 4,
        viewer: str = "v",
        height: int = 0,
        meanwhile: Callable[[Book, Session], Awaitable[None]] | None = None,
    ) -> Session:
        """A session from its beginning to its end."""
        self.names += 1
        session = Session(f"ses_{self.names}", viewer, "ast_1", "creator", Terms.of(tariff), OPENED)
        book = await self.open(session)
        for i in range(segments):
            # The last one is fetched again, after a jump.
            place = 40 if i == segments - 1 else i
            file = (place, place * SEGMENT, (place + 1) * SEGMENT, height)
            self.now += 2_000
            ticket, _ = book.request(session.id, file, now=self.now)
            book.finish(session.id, ticket, complete=True, now=self.now)
            await self.save()
            if i == 1 and meanwhile is not None:
                await meanwhile(book, session)
        self.now += 2_000
        book.close(session.id, now=self.now)
        await self.save()
        return session

    async def open(self, session: Session) -> Book:
        """A book with a new session of a viewer with money."""
        if self.book.fence == 0:
            self.book.fence = await self.sessions.leases.acquire(
                Server("srv_1"), 60_000, succeed=False
            )
        account = viewer_account(session.viewer, "XLM")
        fund = Transfer(f"fund-{session.id}", HOT.id, account.id, Stroops(10**6), "XLM", "fund")
        await self.sessions.post([HOT, account], [fund])
        await self.sessions.open([session], self.book.fence)
        balances = await self.sessions.balances([account.id])
        self.book.add(unstarted(session), balances[account.id], None, self.now)
        return self.book

    async def save(self) -> None:
        batch = self.book.changes(100)
        await self.sessions.commit(batch)
        self.book.committed(batch)

    async def checked(self, session: Session) -> Checked:
        receipt = await self.receipts.get(session.id)
        assert receipt is not None
        assert (receipt.session_id, receipt.viewer) == (session.id, session.viewer)
        return check_receipt(file_of(receipt), verify)


@pytest.fixture
def memory() -> Theatre:
    sessions = MemoryMeterStore()
    return Theatre(sessions, MemoryReceiptStore(sessions))


@pytest.fixture
def postgres(database: Database) -> Theatre:
    return Theatre(PostgresMeterStore(database), PostgresReceiptStore(database))


@pytest.fixture(params=["memory", "postgres"])
def theatre(request: pytest.FixtureRequest) -> Theatre:
    found: Theatre = request.getfixturevalue(request.param)
    return found


async def test_a_closed_session_gets_a_receipt_of_all_that_was_charged(theatre: Theatre) -> None:
    session = await theatre.watch()
    assert await theatre.receipts.get(session.id) is None
    assert await theatre.receipts.due(10) == ["v"]
    assert await theatre.receipts.make("v", 10, made) == 1
    checked = await theatre.checked(session)
    assert checked.faults == ()
    assert checked.document is not None
    saved = await theatre.sessions.session(session.id)
    assert saved is not None
    ticks = checked.document["ticks"]
    assert len(ticks) == 4
    assert checked.document["totals"]["charged"] == str(saved.amount) != "0"
    entries = await theatre.sessions.ledger.transfers_of(session.hold_account)
    posts = {e.transfer.id: e.transfer.amount for e in entries if e.transfer.cause == "post"}
    assert {f"{session.id}:{tick['posts'][0]}:post": int(tick["amount"]) for tick in ticks} == posts
    assert checked.document["intervals"] == [{"lo": 0, "hi": 3 * SEGMENT}, _last_segment()]
    assert await theatre.receipts.due(10) == []


def _last_segment() -> dict[str, int]:
    return {"lo": 40 * SEGMENT, "hi": 41 * SEGMENT}


async def test_receipts_of_a_viewer_follow_each_other_and_others_have_their_own(
    theatre: Theatre,
) -> None:
    first = [await theatre.watch(), await theatre.watch(segments=2)]
    other = await theatre.watch(viewer="v2")
    assert await theatre.receipts.make("v", 1, made) == 1
    assert await theatre.receipts.make("v", 10, made) == 1
    assert await theatre.receipts.due(10) == ["v2"]
    first.append(await theatre.watch(segments=3))
    assert await theatre.receipts.make("v", 10, made) == 1
    assert await theatre.receipts.make("v", 10, made) == 0
    assert await theatre.receipts.make("v2", 10, made) == 1
    files = {each.id: await theatre.checked(each) for each in [*first, other]}
    assert all(checked.faults == () for checked in files.values())
    assert series_faults(files) == {}
    documents = [files[each.id].document or {} for each in first]
    assert [each["previous"] for each in documents] == [
        None,
        files[first[0].id].hash,
        files[first[1].id].hash,
    ]


async def test_a_session_in_which_nothing_was_watched_has_a_receipt_of_nothing(
    theatre: Theatre,
) -> None:
    session = await theatre.watch(segments=0)
    await theatre.receipts.make("v", 10, made)
    checked = await theatre.checked(session)
    assert checked.faults == ()
    assert checked.document is not None
    assert checked.document["totals"]["paid"] == "0"


@pytest.mark.parametrize("height", [0, 720])
async def test_tariffs_of_every_kind_come_to_what_was_charged(
    theatre: Theatre, height: int
) -> None:
    session = await theatre.watch(DEARER_PICTURES, segments=6, height=height)
    await theatre.receipts.make("v", 10, made)
    checked = await theatre.checked(session)
    assert checked.faults == ()
    saved = await theatre.sessions.session(session.id)
    assert saved is not None
    assert checked.document is not None
    assert checked.document["totals"]["charged"] == str(saved.amount)
    assert (saved.totals.rungs[0] > 0) == (height > 0)


@pytest.mark.parametrize("tariff", [PLAIN, DEARER_PICTURES])
async def test_a_price_that_fell_meanwhile_is_told_with_when_it_did(
    theatre: Theatre, tariff: Tariff
) -> None:
    cheaper = replace(tariff, price=Price("XLM", 10, 1), rungs=())

    async def falls(book: Book, session: Session) -> None:
        later = OPENED + timedelta(seconds=1)
        book.announce(PriceChange("ast_1", cheaper, later, later))

    session = await theatre.watch(tariff, segments=6, height=720, meanwhile=falls)
    await theatre.receipts.make("v", 10, made)
    checked = await theatre.checked(session)
    assert checked.faults == ()
    assert checked.document is not None
    assert [each["epoch"] for each in checked.document["tariffs"]] == [tariff.id, cheaper.id]
    assert {tick["tariff"] for tick in checked.document["ticks"]} == {0, 1}


async def test_what_came_back_before_is_in_the_receipt(theatre: Theatre) -> None:
    session = await theatre.watch()
    back = Transfer(
        f"{session.id}:refund:1",
        session.creator_account,
        session.viewer_account,
        Stroops(5),
        "XLM",
        "refund",
    )
    await theatre.sessions.post([], [back])
    await theatre.receipts.make("v", 10, made)
    checked = await theatre.checked(session)
    assert checked.faults == ()
    assert checked.document is not None
    assert checked.document["refunds"] == [{"transfer": back.id, "cause": "refund", "amount": "5"}]


async def test_what_was_waived_is_told_and_costs_nothing(theatre: Theatre) -> None:
    async def waives(book: Book, session: Session) -> None:
        book.waive(session.id, 2 * SEGMENT, 3 * SEGMENT, theatre.now)

    session = await theatre.watch(segments=6, meanwhile=waives)
    await theatre.receipts.make("v", 10, made)
    checked = await theatre.checked(session)
    assert checked.faults == ()
    assert checked.document is not None
    totals = checked.document["totals"]
    assert totals["waived"] == SEGMENT
    units = sum(each["hi"] - each["lo"] for each in checked.document["intervals"])
    assert units - SEGMENT == totals["seconds"] * UNITS_PER_SECOND


async def test_an_open_session_has_none(theatre: Theatre) -> None:
    await theatre.open(Session("ses_1", "v", "ast_1", "creator", Terms.of(PLAIN), OPENED))
    assert await theatre.receipts.due(10) == []
    assert await theatre.receipts.make("v", 10, made) == 0


async def test_of_many_who_make_them_at_once_one_does(postgres: Theatre) -> None:
    for _ in range(3):
        await postgres.watch(segments=1)
    counts = await asyncio.gather(*(postgres.receipts.make("v", 10, made) for _ in range(4)))
    assert sorted(counts) == [0, 0, 0, 3]


async def test_the_database_keeps_a_receipt_as_it_is(postgres: Theatre, database: Database) -> None:
    await postgres.watch(segments=1)
    await postgres.receipts.make("v", 10, made)
    for statement in ("UPDATE receipt SET document = '{}'", "DELETE FROM receipt"):
        with pytest.raises(PostgresError, match="never changed"):
            await database.execute(statement)
