"""A process that is killed in the middle loses nothing that it acknowledged, and charges nothing
twice; so it is when one that was frozen wakes up after another one has taken over.
"""

import asyncio
import os
import random
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from api.receipt_key import verify
from config.clock import ManualClock, SystemClock
from config.embedded_postgres import ROLE, EmbeddedPostgres
from config.limits import METER_LEASE_MS
from config.postgres import Database
from metering.intake import Intake
from metering.leases.lease import LeaseTerms, Server
from metering.receipts.check import check_receipt
from metering.receipts.maker import Receipts
from metering.receipts.store_postgres import PostgresReceiptStore
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.session import SavedSession, SessionSummary
from metering.store_postgres import PostgresMeterStore
from tests.metering.load_processes import LoadProcesses, Promises, load_processes
from tests.metering.metered_load import PARTS_ASSET, SESSIONS
from tests.metering.receipts import KEY, file_of

pytestmark = pytest.mark.process

SEGMENT = 2 * UNITS_PER_SECOND
KILLS, LANES = 200, 4
# Who waited for the lease of the process before it would take longer, on whatever machine.
SERVING_AGAIN_MS_MAX = METER_LEASE_MS - 1_000

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

    async def close_all(self, kills: int, acknowledged: Promises) -> None:
        """Charge for all of it at last: exactly what was watched, to the stroop."""
        kept, clock = await self.check(), ManualClock()
        intake = Intake(self.store, clock, MeterRules(), server=Server("one"))
        await intake.start()
        clock.advance(60_000)
        summaries = [await intake.close(saved.session.id) for saved in kept]
        await intake.stop()
        assert (await self.store.ledger.check()).sound
        assert await self.store.open_sessions() == []
        for summary in summaries:
            assert summary.amount == summary.price.cost(0, summary.ticks)
            if summary.asset_id != PARTS_ASSET:
                # Not more than was asked for: what was unanswered at each kill may be void.
                asked = acknowledged[summary.session_id]
                assert summary.ticks <= 2 * (max(asked) + 1 + kills)
        balances = await self.store.ledger.balances("")
        assert sum(balances[f"creator:acc_c{i}:XLM"] for i in range(3)) == sum(
            summary.amount for summary in summaries
        )
        assert all(held == 0 for name, held in balances.items() if name.startswith("hold:"))
        await self.check_receipts(summaries)

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


@pytest.mark.timeout(180)
async def test_processes_that_are_killed_lose_nothing_they_acknowledged_and_charge_nothing_twice(
    postgres_server: EmbeddedPostgres,
) -> None:
    """Two hundred times, in four databases at once; each kill leaves a lease behind."""
    async with AsyncExitStack() as stack:
        lanes = [
            (
                await stack.enter_async_context(books_of(postgres_server, f"crash_{lane}")),
                await stack.enter_async_context(load_processes()),
            )
            for lane in range(LANES)
        ]
        each = KILLS // LANES
        async with asyncio.TaskGroup() as together:
            slowest = [
                together.create_task(
                    kill_again_and_again(books, processes, each, random.Random(lane))
                )
                for lane, (books, processes) in enumerate(lanes)
            ]
        assert max(task.result() for task in slowest) <= SERVING_AGAIN_MS_MAX
        for books, processes in lanes:
            assert len(processes.acknowledged) >= SESSIONS * 3 // 4
            assert min(map(len, processes.acknowledged.values())) > each
            await books.close_all(each, processes.acknowledged)


async def test_a_frozen_process_wakes_up_after_another_server_has_taken_over_and_commits_nothing(
    postgres_server: EmbeddedPostgres,
) -> None:
    """Three servers on one database: the first is killed, the second frozen beyond its lease."""
    lease = LeaseTerms(duration_ms=3_000, renew_ms=1_000, margin_ms=500, patience_ms=1_500)
    async with books_of(postgres_server, "takeover") as books, load_processes() as processes:
        first = await processes.start(books.url, "one", lease)
        for _ in range(40):
            await processes.heard("asked")
        second = await processes.start(books.url, "two", lease)
        await processes.kill(first)
        await processes.heard("asked")
        served_by = "SELECT array_agg(DISTINCT fence) FROM playback_session"
        taken = await books.database.fetchval(served_by)
        for _ in range(40):
            await processes.heard("asked")
        os.kill(second, signal.SIGSTOP)
        third = await processes.start(books.url, "three", lease)
        await processes.heard("asked")
        while await books.database.fetchval(served_by) == taken:
            await processes.heard("asked")
        processes.lost.clear()
        os.kill(second, signal.SIGCONT)
        viewers = SESSIONS * 3 // 4
        while len(processes.lost) < viewers:
            await processes.heard("lost")
        for process in (second, third):
            await processes.kill(process)
        await books.settled()
        await books.check_promises(processes.acknowledged)
        kept = await books.check()
        assert len(kept) == SESSIONS
        last = await books.database.fetchval(served_by)
        assert len(taken) == len(last) == 1
        assert last[0] > taken[0]
