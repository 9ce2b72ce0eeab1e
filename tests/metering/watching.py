"""Viewers of an intake, over a store that can be held, lost and made to lie."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from config.clock import Clock
from metering.intake import Delivery, Intake, MeterUnavailable
from metering.ledger.ledger import Account, LedgerRefusal, Transfer, hot_account, treasury_account
from metering.ledger.ledger_memory import MemoryLedger
from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND
from metering.session import Batch, Session
from metering.store import MemoryMeterStore
from metering.tariff import Price

SEGMENT = 2 * UNITS_PER_SECOND
PRICE = Price("XLM", 100, 1)
HOT, TREASURY = hot_account("XLM"), treasury_account("XLM")


class Store(MemoryMeterStore):
    """A store whose commits and balances can be held back, and which can be unreachable.

    `lost`: None, or whether a commit happens although nobody hears of it.
    """

    def __init__(self, clock: Clock | None = None, ledger: MemoryLedger | None = None) -> None:
        super().__init__(ledger, clock)
        self.gate = asyncio.Event()
        self.gate.set()
        self.reads = asyncio.Event()
        self.reads.set()
        self.lost: bool | None = None
        self.commits: list[Batch] = []
        self.refused = asyncio.Event()

    async def commit(self, batch: Batch) -> None:
        await self.gate.wait()
        if self.lost is not None:
            if self.lost:
                await super().commit(batch)
            raise MeterUnavailable("the store does not answer")
        self.commits.append(batch)
        try:
            await super().commit(batch)
        except LedgerRefusal:
            self.refused.set()
            raise

    async def open_unheard(self, sessions: Sequence[Session], fence: int) -> None:
        """As `open`, but nobody hears that it happened."""
        await super().open(sessions, fence)
        raise MeterUnavailable("the store does not answer")

    async def balances(self, accounts: Sequence[str]) -> dict[str, Stroops]:
        await self.reads.wait()
        return await super().balances(accounts)

    async def post(self, accounts: Sequence[Account], transfers: Sequence[Transfer]) -> None:
        if self.lost is not None:
            raise MeterUnavailable("the store does not answer")
        await super().post(accounts, transfers)


class Viewer:
    """One viewer's session on one intake, with a player's shorthands."""

    def __init__(self, intake: Intake, session_id: str) -> None:
        self.intake = intake
        self.id = session_id

    def ask(self, i: int) -> Awaitable[Delivery]:
        return self.intake.request(self.id, i, i * SEGMENT, (i + 1) * SEGMENT)

    async def play(self, *segments: int) -> None:
        for i in segments:
            self.intake.finish(await self.ask(i), complete=True)

    async def billed(self) -> int:
        return (await self.intake.summary(self.id)).seconds_billed


Watch = Callable[..., Awaitable[Viewer]]


async def turns(count: int = 20) -> None:
    """Let everything that can run do so."""
    for _ in range(count):
        await asyncio.sleep(0)
