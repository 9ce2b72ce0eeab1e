"""A process that is killed in the middle loses nothing that it acknowledged, and charges nothing
twice; so it is when one that was frozen wakes up after another one has taken over.
"""

import os
import signal

import pytest

from config.embedded_postgres import EmbeddedPostgres
from config.limits import METER_LEASE_MS
from metering.leases.lease import LeaseTerms
from tests.metering.load_processes import load_processes
from tests.metering.metered_load import SESSIONS
from tests.metering.process_kills import books_of, run

pytestmark = pytest.mark.process

KILLS = 200
# Who waited for the lease of the process before it would take longer, on whatever machine.
SERVING_AGAIN_MS_MAX = METER_LEASE_MS - 1_000


@pytest.mark.timeout(180)
async def test_processes_that_are_killed_lose_nothing_they_acknowledged_and_charge_nothing_twice(
    postgres_server: EmbeddedPostgres,
) -> None:
    """Two hundred times, in four databases at once; each kill leaves a lease behind."""
    found = await run(postgres_server, KILLS)
    assert found.again_ms <= SERVING_AGAIN_MS_MAX
    assert found.uncharged <= found.uncharged_max


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
