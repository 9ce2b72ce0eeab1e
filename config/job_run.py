"""One attempt at one job: its handler, and the heartbeat beside it."""

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import structlog

from config.clock import Clock
from config.job_store import JobStore
from config.jobs import (
    INTERNAL,
    INTERNAL_DETAIL,
    TOO_LONG,
    TOO_LONG_DETAIL,
    Again,
    Beat,
    Claim,
    Handler,
    JobContext,
    JobFailed,
    LeaseTimes,
    backoff_ms,
)
from config.limits import JOB_ATTEMPT_SECONDS_MAX, JOB_PROGRESS_MS
from config.postgres import UNAVAILABLE, PostgresError
from config.tasks import cancel, happens, spawn
from config.telemetry import counter

log = structlog.get_logger(__name__)

# Whatever the database has, it passes or a person ends it; the job is not to blame.
STORE_TROUBLE = (*UNAVAILABLE, PostgresError)

_ended = counter("job_attempts_total", "Attempts at jobs that ended here", ("kind", "how"))


class Ending(StrEnum):
    """Why a handler is cancelled."""

    LOST = "lost"
    CANCELLED = "cancelled"
    STOPPED = "stopped"


class JobRun:
    """Owns a claim from its beginning to its end.

    The handler is cancelled when its lease is lost, or may be lost for all that we know: our own
    clock says so before the store gives the job to somebody else.
    """

    def __init__(  # made in one place
        self,
        store: JobStore,
        claim: Claim,
        handler: Handler,
        clock: Clock,
        lease: LeaseTimes,
        asked_at_ms: int,
    ) -> None:
        """Begin. `asked_at_ms` is when the claim was asked for, on the monotonic clock."""
        self.claim = claim
        self._store = store
        self._clock = clock
        self._lease = lease
        self._deadline_ms = lease.deadline_ms(asked_at_ms)
        self._progress = claim.job.progress
        self._unsaved = False
        self._look = asyncio.Event()
        self._ending: Ending | None = None
        context = JobContext(claim.job, claim.token, self._report)
        self._handler = spawn(_attempt(handler, context), f"job {claim.job.id}")

    def look(self) -> None:
        """Ask the store now whether the job is to be cancelled."""
        self._look.set()

    def end(self, ending: Ending) -> None:
        """Cancel the handler, unless it has ended or been cancelled already."""
        if self._ending is None and not self._handler.done():
            self._ending = ending
            self._handler.cancel()

    async def run(self) -> None:
        """Return when the handler has ended and the store knows how, if it could be told."""
        job = self.claim.job
        log.info("job began", job=job.id, kind=job.kind, attempt=job.attempt)
        beats = spawn(self._beat(), f"heartbeat of job {job.id}")
        try:
            await asyncio.wait([self._handler])
            how = await self._settle()
        finally:
            await cancel(beats, self._handler)
        _ended.labels(job.kind, how).inc()
        log.info("job ended", job=job.id, kind=job.kind, attempt=job.attempt, how=how)

    def _report(self, progress: Mapping[str, Any]) -> None:
        self._progress = progress
        self._unsaved = True

    # --- the lease -------------------------------------------------------------------------------

    async def _beat(self) -> None:
        while True:
            await self._pause()
            if self._left_ms() <= 0:
                self.end(Ending.LOST)
                return
            try:
                beat = await self._heartbeat()
            except STORE_TROUBLE:
                continue  # Until our own deadline, which is looked at after each pause.
            if beat is Beat.LOST:
                self.end(Ending.LOST)
                return
            if beat is Beat.CANCEL:
                self.end(Ending.CANCELLED)  # The lease is kept until the handler has ended.

    async def _pause(self) -> None:
        """Until the next heartbeat: earlier with progress to save, at once when told to look."""
        slice_ms = min(JOB_PROGRESS_MS, self._lease.beat_ms)
        for _ in range(max(1, self._lease.beat_ms // slice_ms)):
            seconds = max(0, min(slice_ms, self._left_ms())) / 1000
            if await happens(self._look, seconds) or self._unsaved:
                break
        self._look.clear()

    async def _heartbeat(self) -> Beat:
        asked_at_ms, progress = self._clock.monotonic_ms(), self._progress
        async with asyncio.timeout(self._left_ms() / 1000):
            beat = await self._store.heartbeat(self.claim, self._lease.lease_ms, progress)
        if beat is not Beat.LOST:
            self._deadline_ms = self._lease.deadline_ms(asked_at_ms)
            self._unsaved = self._progress is not progress
        return beat

    def _left_ms(self) -> int:
        return self._deadline_ms - self._clock.monotonic_ms()

    # --- the end ---------------------------------------------------------------------------------

    async def _settle(self) -> str:
        """Tell the store how the handler ended, again and again while the lease lasts."""
        while self._ending is not Ending.LOST and self._left_ms() > 0:
            try:
                async with asyncio.timeout(self._left_ms() / 1000):
                    if self._unsaved:
                        await self._heartbeat()
                    how, kept = await self._conclude()
            except STORE_TROUBLE:
                await asyncio.sleep(self._lease.beat_ms / 1000)
            else:
                return how if kept else Ending.LOST
        return Ending.LOST

    async def _conclude(self) -> tuple[str, bool]:
        if self._ending is Ending.STOPPED:
            return self._ending, await self._store.give_back(self.claim)
        if self._ending is Ending.CANCELLED:
            return self._ending, await self._store.cancelled(self.claim)
        if self._handler.cancelled() or self._handler.exception() is not None:
            return await self._fail(JobFailed(INTERNAL, INTERNAL_DETAIL, retry=True))
        match self._handler.result():
            case None:
                return "done", await self._store.done(self.claim)
            case Again(payload, priority):
                return "again", await self._store.again(self.claim, payload, priority)
            case JobFailed() as failed:
                return await self._fail(failed)

    async def _fail(self, failed: JobFailed) -> tuple[str, bool]:
        code, detail = failed.code, failed.detail
        if not failed.retry:
            return code, await self._store.fail(self.claim, code, detail)
        delay_ms = backoff_ms(self.claim.job.attempt)
        return code, await self._store.retry(self.claim, code, detail, delay_ms)


async def _attempt(handler: Handler, context: JobContext) -> Again | JobFailed | None:
    limit = asyncio.timeout(JOB_ATTEMPT_SECONDS_MAX)
    try:
        async with limit:
            return await handler(context)
    except JobFailed as failed:
        return failed
    except TimeoutError:
        if not limit.expired():
            raise
        return JobFailed(TOO_LONG, TOO_LONG_DETAIL)
