"""Processes under load that are killed, again and again: nothing that they acknowledged is lost,
nothing is charged twice, and no kill costs more than the segment on its way to each viewer.

    python -m tests.metering.process_kills --times 200
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from api.receipt_key import verify
from config.clock import ManualClock, SystemClock
from config.embedded_postgres import ROLE, EmbeddedPostgres
from config.migrate import migrate
from config.postgres import Database
from metering.intake import Intake
from metering.leases.lease import Server
from metering.receipts.check import check_receipt
from metering.receipts.maker import Receipts
from metering.receipts.store_postgres import PostgresReceiptStore
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.session import SavedSession, SessionSummary
from metering.store_postgres import PostgresMeterStore
from tests.metering.load_processes import LoadProcesses, Promises, load_processes
from tests.metering.metered_load import PARTS_ASSET, SESSIONS
from tests.metering.receipts import KEY, file_of

SEGMENT = 2 * UNITS_PER_SECOND
LANES = 4

# The server may still work on what a killed client sent last; this returns when that has ended.
_END_ITS_STATEMENTS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Books:
    """What a database says of the sessions of the load."""

    def __init__(self, url: str, database: Database) -> None:
        self.url = url
        self.database = database
        self.store = PostgresMeterStore(database)

    async def settled(self) -> None:
        """Nobody writes any more."""
        await self.database.fetch(_END_ITS_STATEMENTS)

    async def check_promises(self, acknowledged: Promises) -> None:
        """All that was acknowledged is durable."""
        promised: Promises = defaultdict(set)
        for row in await self.database.fetch("SELECT session_id, sequence FROM delivery"):
            promised[row["session_id"]].add(row["sequence"])
        assert all(asked <= promised[session_id] for session_id, asked in acknowledged.items())

    async def check_covered(self, fresh: Promises) -> None:
        """What the last process acknowledged is accounted for; the next one voids what it had not
        delivered yet.
        """
        for saved in await self.store.open_sessions():
            state = saved.meter_state()
            covered = [] if state is None else state.covered
            for sequence in fresh[saved.session.id]:
                lo, hi = sequence * SEGMENT, (sequence + 1) * SEGMENT
                assert any(start <= lo and hi <= end for start, end in covered), saved

    async def check(self) -> list[SavedSession]:
        """Invariants I1, I3, I4, I5, I7 over everything in the database."""
        assert (await self.store.ledger.check()).sound
        kept = await self.store.open_sessions()
        holds = await self.store.ledger.balances("hold:")
        for saved in kept:
            runs = await self.database.fetch(
                "SELECT * FROM tick_run WHERE session_id = $1 ORDER BY first_tick",
                saved.session.id,
            )
            ticks = [row["first_tick"] for row in runs] + [saved.totals.ticks]
            assert ticks == [0] + [row["last_tick"] for row in runs]
            price = saved.session.price
            assert sum(row["amount"] for row in runs) == price.cost(0, saved.totals.ticks)
            assert holds[saved.session.hold_account] == saved.totals.drawn - saved.amount
            state = saved.meter_state()
            covered = sum(hi - lo for lo, hi in state.covered) if state is not None else 0
            pending = sum(hi - lo for lo, hi, *_ in state.pending) if state is not None else 0
            assert saved.totals.posted + pending == covered
            assert saved.totals.drawn == price.cost(0, covered // UNITS_PER_SECOND)
        return kept

    async def close_all(self, kills: int, acknowledged: Promises) -> int:
        """Charge for all of it at last: exactly what was watched, to the stroop.

        Returns:
            How many seconds a viewer had leave for and does not pay for, at most: what was on its
            way at each kill.
        """
        kept, clock = await self.check(), ManualClock()
        intake = Intake(self.store, clock, MeterRules(), server=Server("one"))
        await intake.start()
        clock.advance(60_000)
        summaries = [await intake.close(saved.session.id) for saved in kept]
        await intake.stop()
        assert (await self.store.ledger.check()).sound
        assert await self.store.open_sessions() == []
        uncharged = 0
        for summary in summaries:
            assert summary.amount == summary.price.cost(0, summary.ticks)
            if summary.asset_id != PARTS_ASSET:
                # Not more than was asked for: what was unanswered at each kill may be void.
                asked = acknowledged[summary.session_id]
                assert summary.ticks <= 2 * (max(asked) + 1 + kills)
                uncharged = max(uncharged, 2 * len(asked) - summary.ticks)
        balances = await self.store.ledger.balances("")
        assert sum(balances[f"creator:acc_c{i}:XLM"] for i in range(3)) == sum(
            summary.amount for summary in summaries
        )
        assert all(held == 0 for name, held in balances.items() if name.startswith("hold:"))
        await self.check_receipts(summaries)
        return uncharged

    async def check_receipts(self, summaries: list[SessionSummary]) -> None:
        """Each session has a sound receipt, however many processes it went through."""
        receipts = Receipts(PostgresReceiptStore(self.database), self.store, KEY.name, KEY.sign)
        for summary in summaries:
            checked = check_receipt(file_of(await receipts.of(summary.session_id)), verify)
            assert checked.faults == ()
            assert checked.document is not None
            assert checked.document["totals"]["charged"] == str(summary.amount)


@asynccontextmanager
async def books_of(server: EmbeddedPostgres, name: str) -> AsyncIterator[Books]:
    """A migrated, empty database beside the test's own one."""
    superuser = await Database.connect(server.url("postgres", "postgres"), pool_size=1)
    try:
        await superuser.execute(
            f"CREATE DATABASE {name} TEMPLATE {ROLE} OWNER {ROLE} STRATEGY file_copy"
        )
        url = server.url(database=name)
        database = await Database.connect(url, pool_size=2)
        try:
            yield Books(url, database)
        finally:
            await database.close()
        await superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await superuser.close()


async def kill_again_and_again(
    books: Books, processes: LoadProcesses, kills: int, chance: random.Random
) -> int:
    """Kill the load in its start and in its middle; the longest time until it served again, in ms.

    Each process takes up what the one before it held, at once.
    """
    slowest, clock = 0, SystemClock()
    for kill in range(kills):
        if kill % 5 == 4:  # one that does not come so far as to serve anything
            process = await processes.start(books.url)
            await asyncio.sleep(chance.random() / 20)
            await processes.kill(process)
        killed_at = clock.monotonic_ms()
        process = await processes.start(books.url)
        await processes.heard("asked")
        slowest = max(slowest, clock.monotonic_ms() - killed_at)
        for _ in range(chance.randrange(60)):
            await processes.heard("asked")
        await processes.kill(process)
        if kill % 10 == 9:
            await books.settled()
            await books.check_covered(processes.fresh)
            await books.check_promises(processes.acknowledged)
            await books.check()
    return slowest


@dataclass(frozen=True, slots=True)
class Kills:
    """What was found.

    Attributes:
        acknowledged: segments that viewers were given leave for.
        again_ms: the longest time from a kill until viewers were served again.
        uncharged: seconds that a viewer had leave for and did not pay for, at most.
        uncharged_max: one segment for each kill that it lived through.
    """

    acknowledged: int
    again_ms: int
    uncharged: int
    uncharged_max: int


async def run(server: EmbeddedPostgres, times: int) -> Kills:
    """So many kills, in some databases at once; each leaves a lease behind. Fails when anything is
    lost that was acknowledged, or charged twice.
    """
    async with AsyncExitStack() as stack:
        lanes = [
            (
                await stack.enter_async_context(books_of(server, f"crash_{lane}")),
                await stack.enter_async_context(load_processes()),
            )
            for lane in range(LANES)
        ]
        each = times // LANES
        async with asyncio.TaskGroup() as together:
            slowest = [
                together.create_task(
                    kill_again_and_again(books, processes, each, random.Random(lane))
                )
                for lane, (books, processes) in enumerate(lanes)
            ]
        uncharged, acknowledged = 0, 0
        for books, processes in lanes:
            assert len(processes.acknowledged) >= SESSIONS * 3 // 4
            assert min(map(len, processes.acknowledged.values())) > each
            uncharged = max(uncharged, await books.close_all(each, processes.acknowledged))
            acknowledged += sum(map(len, processes.acknowledged.values()))
    again_ms = max(task.result() for task in slowest)
    return Kills(acknowledged, again_ms, uncharged, each * SEGMENT // UNITS_PER_SECOND)


async def run_alone(times: int) -> Kills:
    """The same on a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        database = await Database.connect(await server.start())
        try:
            await migrate(database)
            await database.close()
            return await run(server, times)
        finally:
            await server.stop()


def main() -> int:
    """Kill as often as asked for, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200)
    times = parser.parse_args().times
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    found = asyncio.run(run_alone(times))
    sys.stdout.write(
        f"{times} kills under load: of {found.acknowledged} acknowledged segments 0 lost, "
        f"0 charged twice\n"
        f"a viewer was not charged {found.uncharged} s at most, of {found.uncharged_max} s that "
        f"were on their way at {times // LANES} kills\n"
        f"served again within {found.again_ms} ms\n"
    )
    return 0 if found.uncharged <= found.uncharged_max else 1


if __name__ == "__main__":
    sys.exit(main())
