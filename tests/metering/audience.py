"""Viewers at the pace of players, whose database goes away under them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from config.clock import ManualClock
from config.embedded_postgres import EmbeddedPostgres
from config.migrate import migrate
from config.postgres import Database
from metering.intake import Intake
from metering.ledger.ledger import Transfer, hot_account, treasury_account
from metering.money import Stroops
from metering.outage import OutageRules
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price

SEGMENT = 2 * UNITS_PER_SECOND
SEGMENT_MS = 2_000
VIEWERS = 5
PRICE = Price("XLM", 100, 1)
START = 1_000_000
CREDIT = OutageRules(seconds=30)

_ANSWER_SECONDS_MAX = 30


class Audience:
    """Viewers of one intake. `sent` is how many segments each was sent."""

    def __init__(self, intake: Intake, store: PostgresMeterStore, clock: ManualClock) -> None:
        self.intake = intake
        self.store = store
        self.clock = clock
        self.sent: dict[str, int] = {}
        self._came = self._earned = 0

    async def come(self) -> None:
        """Open a session for each, who are new every time."""
        first, self._came = self._came, self._came + VIEWERS
        self.sent.clear()
        for i in range(first, self._came):
            await self.intake.fund(f"v{i}", Stroops(START), f"gift {i}")
            session = await self.intake.open(f"v{i}", "ast", "creator", PRICE)
            self.sent[session.session_id] = 0

    async def watch(self, segments: int) -> None:
        """Two seconds for each segment; fails when anybody is refused one."""
        for _ in range(segments):
            await asyncio.gather(*map(self.next, self.sent))
            self.clock.advance(SEGMENT_MS)

    async def next(self, session_id: str) -> None:
        """One viewer is sent a segment. Raises: whatever refuses it."""
        i = self.sent[session_id]
        async with asyncio.timeout(_ANSWER_SECONDS_MAX):
            delivery = await self.intake.request(session_id, i, i * SEGMENT, (i + 1) * SEGMENT)
        self.intake.finish(delivery, complete=True)
        self.sent[session_id] += 1

    async def pay(self, given: int = 0) -> None:
        """All leave; each paid for what it was sent, and the creator has all of it. The first one
        was `given` so many stroops more.
        """
        self.clock.advance(5_000)
        await self.intake.sweep()
        for session_id, segments in self.sent.items():
            summary = await self.intake.close(session_id)
            assert summary.seconds_billed == 2 * segments
            assert summary.amount == PRICE.stroops * 2 * segments
            assert summary.balance == START + given - summary.amount
            given = 0
            self._earned += summary.amount
        await self.check_earned()

    async def check_earned(self) -> None:
        """The creator has what everybody paid, and nothing else moved."""
        earned = await self.store.balances(["creator:creator:XLM"])
        assert earned == {"creator:creator:XLM": self._earned}
        assert (await self.store.ledger.check()).sound

    async def begin_again(self) -> dict[str, int]:
        """Another process takes up what the last one left, whose database was away when it ended;
        all sessions end then.

        Returns:
            How many seconds each of them was sent and has not paid for.
        """
        self.intake = Intake(self.store, self.clock, MeterRules(), outage=CREDIT)
        await self.intake.start()
        unpaid: dict[str, int] = {}
        for session_id, segments in self.sent.items():
            summary = await self.intake.close(session_id)
            unpaid[session_id] = 2 * segments - summary.seconds_billed
            self._earned += summary.amount
        await self.check_earned()
        return unpaid


@asynccontextmanager
async def metered(url: str, *, outage: OutageRules = CREDIT) -> AsyncIterator[Audience]:
    """Viewers over a new database, which has money for them."""
    database, clock = await Database.connect(url), ManualClock()
    try:
        await migrate(database)
        store = PostgresMeterStore(database)
        hot, treasury = hot_account("XLM"), treasury_account("XLM")
        fill = Transfer("fill", hot.id, treasury.id, Stroops(10**12), "XLM", "fill")
        await store.post([hot, treasury], [fill])
        intake = Intake(store, clock, MeterRules(), outage=outage)
        await intake.start()
        audience = Audience(intake, store, clock)
        await audience.come()
        yield audience
        assert (await store.ledger.check()).sound
        await audience.intake.stop()
    finally:
        await database.close()


def family(process: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *map(int, children)]


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.directory / "data" / "postmaster.pid").read_text().split()[0])
