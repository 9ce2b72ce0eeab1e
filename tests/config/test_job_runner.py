"""The runner on a store in memory, with a clock that is moved by hand.

Heartbeats and looks into the queue come in real time, every few milliseconds; leases and waits end
when the clock is moved.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

import pytest

from config.clock import ManualClock
from config.job_runner import JobRunner
from config.jobs import Again, Beat, Claim, Handler, Job, JobContext, JobFailed, JobState, NewJob
from config.jobs_memory import MemoryJobStore
from config.limits import JOB_ATTEMPTS_MAX, JOB_FORGET_INTERVAL_MS

LEASE_MS = 60


class Store(MemoryJobStore):
    """A store that can be out of reach, and that tells nobody of news while it is `quiet`."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.is_away = False
        self.quiet = False
        self.forgotten = asyncio.Event()
        self.refused: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def claim(self, kinds: Any, lease_ms: int, worker: str) -> Claim | None:
        self._reach("claim")
        return await super().claim(kinds, lease_ms, worker)

    async def heartbeat(self, claim: Claim, lease_ms: int, progress: Mapping[str, Any]) -> Beat:
        self._reach("heartbeat")
        return await super().heartbeat(claim, lease_ms, progress)

    async def done(self, claim: Claim) -> bool:
        self._reach("done")
        return await super().done(claim)

    async def forget(self, age_ms: int, count: int) -> int:
        deleted = await super().forget(age_ms, count)
        if deleted:
            self.forgotten.set()
        return deleted

    async def watch(self, ready: Callable[[], None], cancel: Callable[[str], None]) -> None:
        if self.quiet:
            raise ConnectionError("nobody tells")
        await super().watch(ready, cancel)

    def _reach(self, what: str) -> None:
        if self.is_away:
            self.refused[what].set()
            raise ConnectionRefusedError("the database is away")


class Rig:
    """A store, clocks, and runners that are stopped at the end."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store_clock = ManualClock()
        self.store = Store(self.store_clock)
        self._runners: list[JobRunner] = []

    async def start(self, handler: Handler, workers: int = 1) -> JobRunner:
        runner = JobRunner(
            self.store,
            {"wash": handler},
            self.clock,
            workers=workers,
            worker_name="worker 1",
            lease_ms=LEASE_MS,
        )
        self._runners.append(runner)
        await runner.start()
        return runner

    async def enqueue(self, subject: str = "sub_1") -> Job:
        return await self.store.enqueue(NewJob("wash", "acc_one", subject, {"n": 1}))

    def passes(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds)
        self.store_clock.advance(milliseconds)

    async def becomes(self, job: Job, state: JobState) -> Job:
        return await self.until(job, lambda job: job.state is state)

    async def until(self, job: Job, holds: Callable[[Job], bool]) -> Job:
        async with asyncio.timeout(30):
            while True:
                now = await self.store.get(job.id)
                if now is not None and holds(now):
                    return now
                await asyncio.sleep(0.002)

    async def stop(self) -> None:
        for runner in self._runners:
            await runner.stop()


class Held:
    """A handler that works until it is let go, and notes how it ended."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.let_go = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, context: JobContext) -> None:
        self.began.set()
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


@pytest.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setattr("config.job_runner.JOB_POLL_MS", 5)
    rig = Rig()
    async with asyncio.timeout(20):
        yield rig
        await rig.stop()


async def test_so_many_at_once_and_each_once(rig: Rig) -> None:
    active, most, calls = 0, 0, Counter[str]()

    async def wash(context: JobContext) -> None:
        nonlocal active, most
        calls[context.job.id] += 1
        active += 1
        most = max(most, active)
        await asyncio.sleep(0.002)
        active -= 1

    jobs = [await rig.enqueue() for _ in range(20)]
    await rig.start(wash, workers=3)
    for job in jobs:
        await rig.becomes(job, JobState.DONE)
    assert most == 3
    assert calls == {job.id: 1 for job in jobs}


@pytest.mark.parametrize("quiet", [False, True])
async def test_a_job_that_comes_later_is_begun(
    rig: Rig, quiet: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not quiet:
        monkeypatch.setattr("config.job_runner.JOB_POLL_MS", 60_000)
    rig.store.quiet = quiet
    held = Held()
    held.let_go.set()
    await rig.start(held)
    for _ in range(10):
        await asyncio.sleep(0)
    await rig.becomes(await rig.enqueue(), JobState.DONE)


async def test_progress_is_kept_to_the_last(rig: Rig) -> None:
    async def wash(context: JobContext) -> None:
        context.report({"360p": 500})
        await rig.until(context.job, lambda job: job.progress == {"360p": 500})
        context.report({"360p": 1000})

    job = await rig.enqueue()
    await rig.start(wash)
    assert (await rig.becomes(job, JobState.DONE)).progress == {"360p": 1000}


async def test_the_rest_of_a_job_is_another_turn(rig: Rig) -> None:
    seen: list[tuple[object, int]] = []

    async def wash(context: JobContext) -> Again | None:
        seen.append((context.job.payload["n"], context.job.attempt))
        return Again({"n": 2}, -1) if context.job.payload["n"] == 1 else None

    job = await rig.enqueue()
    await rig.start(wash)
    await rig.becomes(job, JobState.DONE)
    assert seen == [(1, 1), (2, 1)]


async def test_an_expected_failure_is_told_as_it_is(rig: Rig) -> None:
    async def wash(context: JobContext) -> None:
        raise JobFailed("not_media", "This is a text.")

    job = await rig.enqueue()
    await rig.start(wash)
    failed = await rig.becomes(job, JobState.FAILED)
    assert (failed.error_code, failed.error_detail) == ("not_media", "This is a text.")
    assert failed.attempt == 1


async def test_a_broken_handler_is_tried_again_with_waits_and_blocks_nobody(rig: Rig) -> None:
    async def wash(context: JobContext) -> None:
        if context.job.subject == "poison":
            raise ZeroDivisionError

    poison, other = await rig.enqueue("poison"), await rig.enqueue()
    await rig.start(wash)
    await rig.becomes(other, JobState.DONE)
    for attempt in range(1, JOB_ATTEMPTS_MAX):
        again = await rig.until(poison, partial(_waits_after, attempt=attempt))
        wait_ms = round((again.run_at - poison.created_at).total_seconds() * 1000)
        assert again.error_code == "internal"
        rig.passes(wait_ms)
    assert (await rig.becomes(poison, JobState.FAILED)).error_code == "internal"


def _waits_after(job: Job, attempt: int) -> bool:
    return job.state is JobState.QUEUED and job.attempt == attempt


async def test_a_job_that_hangs_forever_ends(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.job_run.JOB_ATTEMPT_SECONDS_MAX", 0.02)
    job = await rig.enqueue()
    await rig.start(Held())
    assert (await rig.becomes(job, JobState.FAILED)).error_code == "too_long"


@pytest.mark.parametrize("quiet", [False, True])
async def test_cancelling_ends_the_handler_then_the_job(rig: Rig, quiet: bool) -> None:
    rig.store.quiet = quiet
    held, job = Held(), await rig.enqueue()
    await rig.start(held)
    await held.began.wait()
    await rig.store.cancel(job.id)
    await rig.becomes(job, JobState.CANCELLED)
    assert held.cancelled.is_set()


async def test_stopping_gives_jobs_back_at_once_and_uses_no_attempt(rig: Rig) -> None:
    held, job = Held(), await rig.enqueue()
    runner = await rig.start(held)
    await held.began.wait()
    await runner.stop()
    assert held.cancelled.is_set()
    back = await rig.becomes(job, JobState.QUEUED)
    assert back.attempt == 0
    held.let_go.set()
    await rig.start(held)
    assert (await rig.becomes(job, JobState.DONE)).attempt == 1


async def test_a_handler_is_cancelled_by_our_own_clock_before_its_lease_is_over(rig: Rig) -> None:
    held, job = Held(), await rig.enqueue()
    await rig.start(held)
    await held.began.wait()
    rig.store.is_away = True
    await rig.store.refused["heartbeat"].wait()
    assert not held.cancelled.is_set()
    rig.passes(LEASE_MS * 5 // 6)
    await held.cancelled.wait()
    # Nobody could have taken it yet: another claim gets nothing.
    assert await MemoryJobStore.claim(rig.store, ["wash"], LEASE_MS, "worker 2") is None
    rig.store.is_away = False
    held.let_go.set()
    rig.passes(LEASE_MS)
    assert (await rig.becomes(job, JobState.DONE)).attempt == 2


async def test_what_was_done_while_the_database_was_away_is_written_when_it_is_back(
    rig: Rig,
) -> None:
    held, job = Held(), await rig.enqueue()
    await rig.start(held)
    await held.began.wait()
    rig.store.is_away = True
    held.let_go.set()
    await rig.store.refused["done"].wait()
    rig.store.is_away = False
    assert (await rig.becomes(job, JobState.DONE)).attempt == 1


async def test_a_lease_that_somebody_else_has_cancels_the_handler(rig: Rig) -> None:
    held, job = Held(), await rig.enqueue()
    runner = await rig.start(held)
    await held.began.wait()
    rig.store_clock.advance(2 * LEASE_MS)  # as if the runner had been frozen for so long
    assert await rig.store.claim(["wash"], LEASE_MS, "worker 2") is not None
    await held.cancelled.wait()
    await runner.stop()
    assert (await rig.becomes(job, JobState.RUNNING)).attempt == 2


async def test_a_store_that_is_away_at_the_start_is_waited_for(rig: Rig) -> None:
    rig.store.is_away = True
    held = Held()
    held.let_go.set()
    await rig.start(held)
    job = await rig.enqueue()
    await rig.store.refused["claim"].wait()
    rig.store.is_away = False
    await rig.becomes(job, JobState.DONE)


async def test_a_handler_that_ends_at_the_last_moment_is_done_not_given_back(rig: Rig) -> None:
    held, job = Held(), await rig.enqueue()
    runner = await rig.start(held)
    await held.began.wait()
    held.let_go.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await runner.stop()
    assert (await rig.becomes(job, JobState.DONE)).attempt == 1


async def test_old_jobs_are_forgotten_now_and_then(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.job_runner.JOB_HISTORY_MAX", 1)
    held = Held()
    held.let_go.set()
    await rig.start(held, workers=2)
    jobs = [await rig.enqueue() for _ in range(3)]
    for job in jobs:
        await rig.becomes(job, JobState.DONE)
    rig.passes(JOB_FORGET_INTERVAL_MS)
    await rig.enqueue()
    await rig.store.forgotten.wait()
