"""One worker from its start to its end: fed, listened to, and killed when it hangs."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass

import structlog

from config.clock import Clock
from config.limits import (
    WORKER_BACKOFF_MS_MAX,
    WORKER_BACKOFF_MS_MIN,
    WORKER_CRASHES_MAX,
    WORKER_FINISH_MS_MAX,
    WORKER_HANG_MS_MAX,
    WORKER_START_MS_MAX,
)
from config.tasks import cancel, spawn, to_the_end
from media.transcode.protocol import MalformedMessage, Message
from media.transcode.worker_process import WorkerGone, WorkerProcess

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a supervisor waits, in milliseconds, and how often it tries."""

    start_ms: int = WORKER_START_MS_MAX
    hang_ms: int = WORKER_HANG_MS_MAX
    finish_ms: int = WORKER_FINISH_MS_MAX
    crashes_max: int = WORKER_CRASHES_MAX
    backoff_ms_min: int = WORKER_BACKOFF_MS_MIN
    backoff_ms_max: int = WORKER_BACKOFF_MS_MAX

    def backoff_ms(self, failures: int) -> int:
        """After so many failures in a row; the first costs no wait: what was live shall stay so."""
        if failures <= 1:
            return 0
        doublings = min(failures - 2, 16)
        return min(self.backoff_ms_min << doublings, self.backoff_ms_max)


class Attention:
    """Notices when one worker gets nothing done of what it was given.

    Attributes:
        sent, consumed: source packets that it was given, and that it is done with.
        is_open: its encoders are.
    """

    def __init__(self, clock: Clock, patience: Patience) -> None:
        self._clock = clock
        self._patience = patience
        self._active_ms = clock.monotonic_ms()
        self.sent = 0
        self.consumed = 0
        self.is_open = False

    @property
    def inside(self) -> int:
        """Packets that are lost when it dies now."""
        return max(0, self.sent - self.consumed)

    def gave(self) -> None:
        """A packet is about to be sent."""
        if not self.inside:
            self._active_ms = self._clock.monotonic_ms()
        self.sent += 1

    def heard(self) -> None:
        """It said something."""
        self._active_ms = self._clock.monotonic_ms()

    async def watch(self, worker: WorkerProcess) -> None:
        """Kill the worker, and return, when it has packets and gets none of them done."""
        while True:
            await asyncio.sleep(self._patience.hang_ms / 4000)
            patience_ms = self._patience.hang_ms if self.is_open else self._patience.start_ms
            idle_ms = self._clock.monotonic_ms() - self._active_ms
            if self.inside and idle_ms > patience_ms:
                log.warning("worker hangs", worker=worker.process_id, idle_ms=idle_ms)
                worker.kill()
                return


async def converse(
    worker: WorkerProcess,
    feed: Coroutine[None, None, None],
    take: Callable[[Message], None],
    attention: Attention,
) -> int:
    """Return the worker's exit code when it has ended, by itself or because it had to be.

    Args:
        feed: sends to it; that it does not read any more is no failure here, since its output ends
            as well.
        take: gets what it says, and raises MalformedMessage when that makes no sense.
    """
    feeding = spawn(_feed(feed), name="transcode feed")
    watching = spawn(attention.watch(worker), name="transcode watch")
    try:
        async for message in worker.messages():
            attention.heard()
            take(message)
    except MalformedMessage as reason:
        log.warning("worker speaks no sense", reason=str(reason))
    finally:
        worker.kill()
        code = await to_the_end(_end(worker, feeding, watching), name="end of a worker")
    return code


async def _feed(feed: Coroutine[None, None, None]) -> None:
    with suppress(WorkerGone):
        await feed


async def _end(worker: WorkerProcess, *tasks: asyncio.Task[None]) -> int:
    await cancel(*tasks)
    return await worker.end()
