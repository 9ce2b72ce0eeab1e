"""Durable ticks a second: many sessions that share commits, against one commit for each segment.

Both arms do the same work through the same `Intake` into the same Postgres, which is really durable
(fsync and synchronous_commit on); they take turns, so that both meet the same machine. In one arm a
thousand players ask at once, in the other a single one, who waits for each commit.
"""

import asyncio
import itertools
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from config.clock import ManualClock
from config.collector import collect_rarely
from config.embedded_postgres import EmbeddedPostgres
from config.migrate import migrate
from config.postgres import Database
from metering.intake import Intake
from metering.ledger import Transfer, hot_account, treasury_account, viewer_account
from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price
from scripts.bench.figures import Figure

_NAME = "metering"
_SESSIONS = 2_000
_CREATORS = 20
_PLAYERS = 2_000
_SEGMENT_SECONDS = 2
_UNITS = _SEGMENT_SECONDS * UNITS_PER_SECOND
# Each session asks once in two seconds of the clock.
_CLOCK_MS = _SEGMENT_SECONDS * 1000 // _SESSIONS
_TURNS = 5
_TOGETHER = 16_000
_ALONE = 400
_BALANCE = Stroops(10**9)
_PRICE = Price("XLM", 5_000_000, 3600)

_TICKS = "SELECT coalesce(sum(last_tick - first_tick), 0)::bigint FROM tick_run"


@dataclass(slots=True)
class Arm:
    """What one way of asking got done."""

    ticks: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return self.ticks / self.seconds


class Audience:
    """Viewers who all play on, one segment after the other, by a clock that their requests move."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clock = ManualClock()
        self._store = PostgresMeterStore(database)
        self.intake = Intake(self._store, self._clock, MeterRules())
        self._sessions: Iterator[str] = iter(())
        self._sequences: dict[str, int] = {}

    async def open(self) -> None:
        """Fund every viewer and open their sessions."""
        hot = hot_account("XLM")
        viewers = [viewer_account(f"acc_{i}", "XLM") for i in range(_SESSIONS)]
        funds = [Transfer(v.id, hot.id, v.id, _BALANCE, "XLM", "fund") for v in viewers]
        await self._store.post([hot, treasury_account("XLM"), *viewers], funds)
        await self.intake.start()
        opened = [
            self.intake.open(f"acc_{i}", f"ast_{i % _CREATORS}", f"acc_c{i % _CREATORS}", _PRICE)
            for i in range(_SESSIONS)
        ]
        sessions = [summary.session_id for summary in await asyncio.gather(*opened)]
        self._sessions = itertools.cycle(sessions)
        self._sequences = dict.fromkeys(sessions, 0)

    async def watch(self, segments: int, players: int) -> Arm:
        """Take so many segments, by so many players at once."""
        before = await self._database.fetchval(_TICKS)
        turns = iter(range(segments))
        started = perf_counter()
        await asyncio.gather(*(self._play(turns) for _ in range(players)))
        seconds = perf_counter() - started
        return Arm(await self._database.fetchval(_TICKS) - before, seconds)

    async def _play(self, turns: Iterator[int]) -> None:
        for _ in turns:
            session = next(self._sessions)
            sequence = self._sequences[session]
            self._sequences[session] = sequence + 1
            self._clock.advance(_CLOCK_MS)
            lo = sequence * _UNITS
            delivery = await self.intake.request(session, sequence, lo, lo + _UNITS)
            self.intake.finish(delivery, complete=True)


async def _measured(database: Database) -> list[Figure]:
    audience = Audience(database)
    await audience.open()
    collect_rarely()  # as the server does
    together, alone = Arm(), Arm()
    await audience.watch(2 * _SESSIONS, _PLAYERS)
    for _ in range(_TURNS):
        for arm, segments, players in ((together, _TOGETHER, _PLAYERS), (alone, _ALONE, 1)):
            turn = await audience.watch(segments, players)
            arm.ticks += turn.ticks
            arm.seconds += turn.seconds
    await audience.intake.stop()
    print(f"bench {_NAME}: info together={together.rate:.0f} alone={alone.rate:.0f} ticks/s")
    return [Figure(_NAME, "ticks_ratio", together.rate / alone.rate, 15, at_most=False)]


async def _run() -> list[Figure]:
    directory = Path(tempfile.mkdtemp(prefix="tollcast-bench-"))
    server = EmbeddedPostgres(directory)
    try:
        database = await Database.connect(await server.start())
        await migrate(database)
        try:
            return await _measured(database)
        finally:
            await database.close()
    finally:
        await server.stop()
        shutil.rmtree(directory)


def run() -> list[Figure]:
    """Measure; about half a minute."""
    if sys.platform == "win32":
        return asyncio.run(_run())
    import uvloop

    return uvloop.run(_run())
