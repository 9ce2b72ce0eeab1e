"""A runner on the real queue: it is told at once, and outlives its connections."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from config.clock import SystemClock
from config.job_runner import JobRunner
from config.jobs import Handler, Job, JobContext, JobState, NewJob
from config.jobs_postgres import PostgresJobStore
from config.postgres import Database

NEW = NewJob("wash", "acc_one", "sub_1", {})

_CUT = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""

_LISTENERS = """
select count(*) from pg_stat_activity
where datname = current_database() and state = 'idle' and query like 'LISTEN%'
"""


@pytest.fixture
def store(database: Database) -> PostgresJobStore:
    return PostgresJobStore(database, SystemClock())


@asynccontextmanager
async def runner(url: str, handler: Handler) -> AsyncIterator[None]:
    """A runner with connections of its own, whose first heartbeat would come after the test."""
    database, clock = await Database.connect(url), SystemClock()
    runner = JobRunner(
        *(PostgresJobStore(database, clock), {"wash": handler}, clock),
        workers=1,
        worker_name="w",
        lease_ms=3_600_000,
    )
    await runner.start()
    try:
        async with asyncio.timeout(60):
            yield
    finally:
        await runner.stop()
        await database.close()


async def becomes(store: PostgresJobStore, job: Job, holds: Callable[[Job], bool]) -> Job:
    while True:
        now = await store.get(job.id)
        if now is not None and holds(now):
            return now
        await asyncio.sleep(0.005)


async def somebody_listens(database: Database) -> None:
    while True:
        if await database.fetchval(_LISTENERS):
            return
        await asyncio.sleep(0.005)


async def test_a_new_job_is_begun_and_a_cancelled_one_ended_without_looking(
    postgres_url: str,
    database: Database,
    store: PostgresJobStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody polls in this test."""
    monkeypatch.setattr("config.job_runner.JOB_POLL_MS", 60_000)
    monkeypatch.setattr("config.job_run.JOB_PROGRESS_MS", 60_000)
    began = asyncio.Event()

    async def forever(context: JobContext) -> None:
        began.set()
        await asyncio.Event().wait()

    async with runner(postgres_url, forever):
        await somebody_listens(database)
        first = await store.enqueue(NEW)
        await began.wait()
        await store.cancel(first.id)
        await becomes(store, first, lambda job: job.state is JobState.CANCELLED)


async def test_a_job_outlives_all_connections_and_the_next_one_is_taken(
    postgres_url: str,
    database: Database,
    store: PostgresJobStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("config.job_runner.JOB_POLL_MS", 20)
    began, let_go = asyncio.Event(), asyncio.Event()

    async def wash(context: JobContext) -> None:
        began.set()
        await let_go.wait()

    async with runner(postgres_url, wash):
        first = await store.enqueue(NEW)
        await began.wait()
        await database.fetch(_CUT)
        let_go.set()
        done = await becomes(store, first, lambda job: job.state is JobState.DONE)
        assert done.attempt == 1
        second = await store.enqueue(NEW)
        await becomes(store, second, lambda job: job.state is JobState.DONE)
