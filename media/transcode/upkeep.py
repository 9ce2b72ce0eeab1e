"""Keeps a source supplied with a worker: starts one, and another whenever one ends early."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from config.clock import Clock
from config.tasks import cancel, spawn
from media.transcode.conversation import Attention, Patience, converse
from media.transcode.protocol import Message
from media.transcode.worker_process import WorkerProcess

log = structlog.get_logger(__name__)


class Job(Protocol):
    """What workers are there for."""

    def begin(self) -> None:
        """A worker is about to be started."""

    async def supply(self, worker: WorkerProcess) -> None:
        """Send a worker all there is to send, to the end of the source.

        Raises:
            WorkerGone: it does not read any more.
        """

    def listen(self, message: Message) -> None:
        """A worker says something.

        Raises:
            MalformedMessage: that makes no sense.
        """

    def failed(self, failures: int, /) -> None:
        """A worker has ended early, as so many in a row have."""


class Upkeep:
    """Runs workers one after the other until one has finished.

    Attributes:
        attention: to the worker running now.
        restarts: workers that died or hung.
        failures: the same in a row; set to 0 by whoever sees that one works.
        is_finishing: the source has ended.
        is_finished: set by whoever hears a worker say so.
    """

    def __init__(
        self, job: Job, command: Sequence[str], clock: Clock, patience: Patience, *, name: str
    ) -> None:
        """`command` starts a worker; `name` is for the log."""
        self._job = job
        self._command = command
        self._clock = clock
        self._patience = patience
        self._name = name
        self._woken = asyncio.Event()
        self._worker: WorkerProcess | None = None
        self._task: asyncio.Task[None] | None = None
        self.attention = Attention(clock, patience)
        self.restarts = 0
        self.failures = 0
        self.is_finishing = False
        self.is_finished = False

    @property
    def process_id(self) -> int | None:
        """Of the worker running now."""
        return None if self._worker is None else self._worker.process_id

    def start(self, ended: Callable[[], None] | None = None) -> None:
        """Begin; `ended` is called when the last worker is gone."""
        self._task = spawn(self._run(), name=f"upkeep of {self._name} workers")
        if ended is not None:
            self._task.add_done_callback(lambda _: ended())

    def wake(self) -> None:
        """There may be something to send."""
        self._woken.set()

    async def sleep(self) -> None:
        """Return when there may be something to send."""
        self._woken.clear()
        await self._woken.wait()

    async def finish(self) -> None:
        """Return when a worker has finished, or the deadline for that has passed."""
        assert self._task is not None
        self.is_finishing = True
        self.wake()
        _, late = await asyncio.wait({self._task}, timeout=self._patience.finish_ms / 1000)
        if late:
            log.warning("worker did not finish in time", kind=self._name)
            await self.stop()

    async def stop(self) -> None:
        """Kill the worker and return when it is gone."""
        await cancel(self._task)

    async def _run(self) -> None:
        while True:
            code = await self._run_worker()
            if self.is_finished:
                return
            self.restarts += 1
            self.failures += 1
            log.warning("worker ended early", kind=self._name, code=code, failures=self.failures)
            self._job.failed(self.failures)
            await asyncio.sleep(self._patience.backoff_ms(self.failures) / 1000)

    async def _run_worker(self) -> int | None:
        """Run one worker to its end; its exit code, None when it could not be started."""
        self.attention = Attention(self._clock, self._patience)
        self._job.begin()
        try:
            worker = await WorkerProcess.start(self._command, self._clock)
        except OSError as reason:
            log.warning("worker could not be started", kind=self._name, reason=str(reason))
            return None
        self._worker = worker
        try:
            supply = self._job.supply(worker)
            return await converse(worker, supply, self._job.listen, self.attention)
        finally:
            self._worker = None
