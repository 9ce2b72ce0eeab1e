"""A database that goes away, over and over: viewers who were let in notice nothing within the
credit, and when all is said each of them has paid for exactly what was sent.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from config.clock import ManualClock
from config.embedded_postgres import EmbeddedPostgres
from config.migrate import migrate
from config.postgres import Database
from metering.errors import MeterUnavailable
from metering.intake import Intake
from metering.ledger.ledger import Transfer, hot_account, treasury_account
from metering.money import Stroops
from metering.outage import OutageRules
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price

pytestmark = pytest.mark.process

SEGMENT = 2 * UNITS_PER_SECOND
VIEWERS = 5
OUTAGES = 5
CREDIT = OutageRules(seconds=30)
PRICE = Price("XLM", 100, 1)
START = 1_000_000


class Audience:
    """Viewers of one intake at the pace of players. `sent` is how many segments each was sent."""

    def __init__(self, intake: Intake, store: PostgresMeterStore, clock: ManualClock) -> None:
        self.intake = intake
        self.store = store
        self.clock = clock
        self.sent: dict[str, int] = {}

    async def come(self) -> None:
        for i in range(VIEWERS):
            await self.intake.fund(f"v{i}", Stroops(START), f"gift {i}")
            session = await self.intake.open(f"v{i}", "ast", "creator", PRICE)
            self.sent[session.session_id] = 0

    async def watch(self, segments: int) -> None:
        """Two seconds for each segment; fails when anybody is refused one."""
        for _ in range(segments):
            await asyncio.gather(*map(self._next, self.sent))
            self.clock.advance(2_000)

    async def _next(self, session_id: str) -> None:
        i = self.sent[session_id]
        async with asyncio.timeout(30):
            delivery = await self.intake.request(session_id, i, i * SEGMENT, (i + 1) * SEGMENT)
        self.intake.finish(delivery, complete=True)
        self.sent[session_id] += 1

    async def pay(self) -> None:
        """All leave; each paid for what it was sent, and the creator has all of it."""
        self.clock.advance(5_000)
        await self.intake.sweep()
        total = 0
        for session_id, segments in self.sent.items():
            summary = await self.intake.close(session_id)
            assert summary.seconds_billed == 2 * segments
            assert summary.balance == START - summary.amount
            total += summary.amount
        assert (await self.store.balances(["creator:creator:XLM"])) == {
            "creator:creator:XLM": total
        }


@asynccontextmanager
async def metered(url: str) -> AsyncIterator[Audience]:
    database, clock = await Database.connect(url), ManualClock()
    try:
        await migrate(database)
        store = PostgresMeterStore(database)
        hot, treasury = hot_account("XLM"), treasury_account("XLM")
        fill = Transfer("fill", hot.id, treasury.id, Stroops(10**9), "XLM", "fill")
        await store.post([hot, treasury], [fill])
        intake = Intake(store, clock, MeterRules(), outage=CREDIT)
        await intake.start()
        audience = Audience(intake, store, clock)
        await audience.come()
        yield audience
        assert (await store.ledger.check()).sound
        await intake.stop()
    finally:
        await database.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "postgres", {"fsync": "off"})
    yield server
    await server.stop()


def family(process: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *map(int, children)]


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.directory / "data" / "postmaster.pid").read_text().split()[0])


async def test_a_database_that_is_killed_over_and_over_costs_nobody_anything(
    server: EmbeddedPostgres,
) -> None:
    """Half a minute of media each time; afterwards nothing is missing, and nothing there twice."""
    async with metered(await server.start()) as audience:
        await audience.watch(2)
        for _ in range(OUTAGES):
            for process in family(postmaster(server)):
                os.kill(process, signal.SIGKILL)
            await server.stop()
            await audience.watch(CREDIT.seconds // 2 - 1)
            with pytest.raises(MeterUnavailable):
                await audience.intake.open("v0", "ast", "creator", PRICE)
            await server.start()
            await audience.intake.sweep()
            await audience.watch(2)
        await audience.pay()


async def test_beyond_the_credit_all_wait_and_go_on_by_themselves(
    server: EmbeddedPostgres,
) -> None:
    """Then the process dies as well: what it had lent is the viewers', and not more than that."""
    async with metered(await server.start()) as audience:
        await audience.watch(2)
        await audience.intake.sweep()
        await server.stop()
        await audience.watch(CREDIT.seconds // 2)
        with pytest.raises(MeterUnavailable):
            await audience.watch(1)
        await server.start()
        later = Intake(audience.store, audience.clock, MeterRules(), outage=CREDIT)
        await later.start()
        for session_id, segments in audience.sent.items():
            billed = (await later.close(session_id)).seconds_billed
            assert 4 <= billed <= 2 * segments
            assert 2 * segments - billed <= CREDIT.seconds
        await later.stop()


async def test_a_database_that_hangs_is_waited_for_by_nobody(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was asked to commit when it froze, and does so when it wakes up."""
    monkeypatch.setattr("metering.bookkeeper.INTAKE_BEHIND_MS_MAX", 50)
    monkeypatch.setattr("metering.committer.INTAKE_COMMIT_MS_MAX", 400)
    async with metered(await server.start()) as audience:
        await audience.watch(2)
        for outage in range(3):
            frozen = family(postmaster(server))
            for process in frozen:
                os.kill(process, signal.SIGSTOP)
            await audience.watch(4 + outage)
            for process in frozen:
                os.kill(process, signal.SIGCONT)
            await audience.intake.sweep()
            await audience.watch(2)
        await audience.pay()
