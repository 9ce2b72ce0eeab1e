"""Processes that share a queue: one is killed, one is frozen, and each job has one effect."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from config.clock import SystemClock
from config.jobs import JobState, NewJob
from config.jobs_postgres import PostgresJobStore
from config.postgres import Database

WORKER = Path(__file__).with_name("job_worker.py")

pytestmark = pytest.mark.process


class Worker:
    """One process; see `job_worker`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.send_signal = process.send_signal
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout

    async def says(self, what: str) -> str:
        """The job that it says this of next."""
        while True:
            line = await self._stdout.readline()
            assert line, "the worker has ended"
            said, job_id = line.decode().split()
            if said == what:
                return job_id

    async def ends(self) -> int:
        self._stdin.close()
        return await self._process.wait()


@asynccontextmanager
async def worker(url: str, way: str) -> AsyncIterator[Worker]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(WORKER), way, stdin=-1, stdout=-1
    )
    assert process.stdin is not None
    process.stdin.write(url.encode() + b"\n")
    try:
        yield Worker(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_each_job_is_done_once_though_one_worker_is_killed_and_one_frozen(
    postgres_url: str, database: Database
) -> None:
    """Each of two takes a job; they are killed and frozen in the middle; a third one does it all.
    The frozen one comes to life, and what it then still tries is refused.
    """
    store = PostgresJobStore(database, SystemClock())
    await database.execute("create table effect (job_id text not null, worker text not null)")
    jobs = [await store.enqueue(NewJob("wash", "acc_one", f"sub_{n}", {})) for n in range(12)]
    async with (
        asyncio.timeout(60),
        worker(postgres_url, "holds") as killed,
        worker(postgres_url, "holds") as frozen,
    ):
        lost = {await killed.says("began"), await frozen.says("began")}
        assert len(lost) == 2
        killed.send_signal(signal.SIGKILL)
        frozen.send_signal(signal.SIGSTOP)
        async with worker(postgres_url, "works") as survivor:
            done = [await survivor.says("effect") for _ in jobs]
            assert sorted(done) == sorted(job.id for job in jobs)
            frozen.send_signal(signal.SIGCONT)
            assert await frozen.says("refused") in lost
            assert await frozen.ends() == 0
            assert await survivor.ends() == 0
    effects = await database.fetch("select job_id, worker from effect")
    assert sorted(row["job_id"] for row in effects) == sorted(job.id for job in jobs)
    assert {row["worker"] for row in effects} == {"works"}
    ended = [await store.get(job.id) for job in jobs]
    assert all(job is not None and job.state is JobState.DONE for job in ended)
    attempts = {job.id: job.attempt for job in ended if job is not None}
    assert attempts == {job.id: 2 if job.id in lost else 1 for job in jobs}


async def test_a_worker_that_stops_leaves_its_job_to_the_next_at_once(
    postgres_url: str, database: Database
) -> None:
    store = PostgresJobStore(database, SystemClock())
    await database.execute("create table effect (job_id text not null, worker text not null)")
    job = await store.enqueue(NewJob("wash", "acc_one", "sub_1", {}))
    async with asyncio.timeout(30), worker(postgres_url, "holds") as first:
        await first.says("began")
        assert await first.ends() == 0
        left = await store.get(job.id)
        assert left is not None
        assert (left.state, left.attempt) == (JobState.QUEUED, 0)
