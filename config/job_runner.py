"""Takes jobs from the queue and runs them, some at once."""

import asyncio
from collections.abc import Mapping

import structlog

from config.clock import Clock
from config.job_run import STORE_TROUBLE, Ending, JobRun
from config.job_store import JobStore
from config.jobs import Claim, Handler, LeaseTimes
from config.limits import (
    JOB_FORGET_INTERVAL_MS,
    JOB_HISTORY_MAX,
    JOB_HISTORY_MS,
    JOB_LEASE_MS,
    JOB_POLL_MS,
    JOB_STOP_MS_MAX,
)
from config.tasks import cancel, happens, spawn

log = structlog.get_logger(__name__)


class JobRunner:
    """One worker of a queue that any number of processes may share.

    Args:
        store: the queue.
        handlers: what to do, by kind of job; other kinds are left to other workers.
        clock: its monotonic part says when a lease may be over.
        workers: how many jobs run at once.
        worker_name: for whoever looks into the store.
        lease_ms: how long a job is ours without a heartbeat.
    """

    def __init__(  # one place wires it, by keyword
        self,
        store: JobStore,
        handlers: Mapping[str, Handler],
        clock: Clock,
        *,
        workers: int,
        worker_name: str,
        lease_ms: int = JOB_LEASE_MS,
    ) -> None:
        self._store = store
        self._handlers = handlers
        self._clock = clock
        self._workers = workers
        self._worker_name = worker_name
        self._lease = LeaseTimes(lease_ms)
        self._runs: dict[asyncio.Task[None], JobRun] = {}
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._dispatcher: asyncio.Task[None] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._forget_at_ms = clock.monotonic_ms()

    async def start(self) -> None:
        """Begin to take jobs. A store that cannot be reached yet is waited for."""
        self._dispatcher = spawn(self._dispatch(), "jobs")
        self._watcher = spawn(self._watch(), "job notices")

    async def stop(self) -> None:
        """Cancel what runs and give it back: it is ready for others at once, no attempt used."""
        self._stopping.set()
        self._wake.set()
        for run in self._runs.values():
            run.end(Ending.STOPPED)
        await cancel(self._watcher)
        # A claim under way is waited for: cancelled, it would be nobody's until its lease is over.
        tasks = {*self._runs} if self._dispatcher is None else {*self._runs, self._dispatcher}
        if not tasks:
            return
        _, alive = await asyncio.wait(tasks, timeout=JOB_STOP_MS_MAX / 1000)
        for task in alive:
            log.warning("did not end in time and is left to its lease", task=task.get_name())
            task.cancel()

    async def _dispatch(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                await self._fill()
                await self._forget()
            except STORE_TROUBLE as error:
                log.warning("jobs wait for the database", reason=str(error) or type(error).__name__)
            await happens(self._wake, JOB_POLL_MS / 1000)

    async def _fill(self) -> None:
        while len(self._runs) < self._workers and not self._stopping.is_set():
            asked_at_ms = self._clock.monotonic_ms()
            claim = await self._store.claim(
                list(self._handlers), self._lease.lease_ms, self._worker_name
            )
            if claim is None:
                return
            if self._stopping.is_set():
                await self._store.give_back(claim)
                return
            self._begin(claim, asked_at_ms)

    def _begin(self, claim: Claim, asked_at_ms: int) -> None:
        handler = self._handlers[claim.job.kind]
        run = JobRun(self._store, claim, handler, self._clock, self._lease, asked_at_ms)
        task = spawn(run.run(), f"attempt at job {claim.job.id}")
        self._runs[task] = run
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._runs[task]
        self._wake.set()

    async def _forget(self) -> None:
        if self._clock.monotonic_ms() >= self._forget_at_ms:
            self._forget_at_ms = self._clock.monotonic_ms() + JOB_FORGET_INTERVAL_MS
            await self._store.forget(JOB_HISTORY_MS, JOB_HISTORY_MAX)

    async def _watch(self) -> None:
        """Be told, as far as the store can; without that, looking now and then has to do."""
        while True:
            try:
                await self._store.watch(self._wake.set, self._cancelled)
            except STORE_TROUBLE as error:
                log.info("jobs are not told of", reason=str(error) or type(error).__name__)
            await asyncio.sleep(JOB_POLL_MS / 1000)

    def _cancelled(self, job_id: str) -> None:
        for run in self._runs.values():
            if run.claim.job.id == job_id:
                run.look()
