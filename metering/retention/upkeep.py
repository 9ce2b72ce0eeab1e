"""Keeps the ledger's tables in parts: makes them ahead, begins one each month, closes old ones."""

import asyncio
from datetime import UTC, datetime
from typing import Protocol

import structlog

from config.clock import Clock
from config.limits import LEDGER_PARTS_AHEAD, LEDGER_UPKEEP_SECONDS
from config.postgres import UNAVAILABLE, Database, LockNotAvailableError, PostgresError
from config.tasks import happens, spawn
from metering.retention.parts import first_session_id, month_name, month_of

log = structlog.get_logger(__name__)


class NotSound(Exception):
    """The ledger is not closed as long as something is wrong with it."""


class Retention(Protocol):
    """Whoever closes what is too old to stay."""

    async def close_due(self, now_ms: int) -> int:
        """Close the parts that are due; how many those were.

        Raises:
            NotSound: what is there does not agree; nothing was closed.
            OSError, PostgresError: it could not be done.
        """


class LedgerUpkeep:
    """Owns the parts of one database. Several may: what one did the others find done."""

    def __init__(
        self, database: Database, clock: Clock, retention: Retention | None = None
    ) -> None:
        """Nothing is ever closed without `retention`."""
        self._database = database
        self._clock = clock
        self._retention = retention
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when the parts of this month and the next ones are there.

        Raises:
            One of `config.postgres.UNAVAILABLE`.
        """
        try:
            await self.prepare()
        except LockNotAvailableError:
            # Somebody reads a whole table, so tables are there; what comes meanwhile has a part.
            log.warning("the ledger's parts are made ahead later")
        self._task = spawn(self._run(), "ledger upkeep")

    async def stop(self) -> None:
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def prepare(self) -> None:
        """Make parts ahead, and begin this month's if that was not done yet."""
        now_ms = self._clock.wall_ms()
        month = month_of(now_ms)
        for each in range(month, month + 1 + LEDGER_PARTS_AHEAD):
            await self._database.execute(
                "SELECT session_part_ahead($1, $2)", month_name(each), first_session_id(each + 1)
            )
        await self._database.execute("SELECT ledger_part_ahead()")
        begun = await self._database.fetchval(
            "SELECT ledger_part_begin($1)", datetime.fromtimestamp(now_ms // 1000, UTC)
        )
        if begun is not None:
            await self._database.execute("SELECT ledger_part_ahead()")
            log.info("a part of the ledger was begun", part=begun)

    async def _run(self) -> None:
        while not await happens(self._stopping, LEDGER_UPKEEP_SECONDS):
            try:
                await self.prepare()
                if self._retention is not None:
                    await self._retention.close_due(self._clock.wall_ms())
            except (*UNAVAILABLE, PostgresError) as error:
                # There is room for months in the parts that are there.
                log.warning("the ledger's parts were not looked after", reason=str(error))
            except NotSound as error:
                log.error(
                    "the ledger is not closed: run `tollcast ledger verify`", reason=str(error)
                )
