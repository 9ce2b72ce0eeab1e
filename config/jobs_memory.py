"""Jobs of one process, gone with it."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from config.clock import Clock
from config.ids import new_id
from config.jobs import (
    WORKER_LOST,
    WORKER_LOST_DETAIL,
    Beat,
    Claim,
    Job,
    JobState,
    NewJob,
    Waiting,
    in_order,
)
from config.limits import JOB_ATTEMPTS_MAX, JOB_FORGET_MAX


@dataclass(slots=True)
class _Row:
    job: Job
    dedupe_key: str | None
    worker: str | None = None
    token: str | None = None
    lease_until_ms: int = 0
    claimed_at_ms: int | None = None


class MemoryJobStore:
    """The JobStore for tests; its own clock is the one it is given."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[str, _Row] = {}
        self._watchers: list[tuple[Callable[[], None], Callable[[str], None]]] = []

    async def enqueue(self, new: NewJob) -> Job:
        for row in self._rows.values():
            if new.dedupe_key is not None and row.dedupe_key == new.dedupe_key:
                return row.job
        now = self._now()
        job = Job(
            id=new_id("job", self._clock.wall_ms()),
            kind=new.kind,
            owner=new.owner,
            subject=new.subject,
            payload=new.payload,
            priority=new.priority,
            state=JobState.QUEUED,
            attempt=0,
            attempts_max=JOB_ATTEMPTS_MAX,
            progress={},
            cancel_requested=False,
            error_code=None,
            error_detail=None,
            created_at=now,
            started_at=None,
            finished_at=None,
            run_at=now,
        )
        self._rows[job.id] = _Row(job, new.dedupe_key)
        self._say_ready()
        return job

    async def claim(self, kinds: Collection[str], lease_ms: int, worker: str) -> Claim | None:
        self._put_back_lost()
        order = [self._rows[each.id] for each in self._in_order() if not each.delayed]
        row = next((each for each in order if each.job.kind in kinds), None)
        if row is None:
            return None
        now, job = self._now(), row.job
        row.worker = worker
        row.token = secrets.token_hex(16)
        row.lease_until_ms = self._clock.wall_ms() + lease_ms
        row.claimed_at_ms = self._clock.wall_ms()
        row.job = replace(
            job,
            state=JobState.RUNNING,
            attempt=job.attempt + 1,
            started_at=job.started_at or now,
        )
        return Claim(row.job, row.token)

    async def heartbeat(self, claim: Claim, lease_ms: int, progress: Mapping[str, Any]) -> Beat:
        row = self._held(claim)
        if row is None:
            return Beat.LOST
        row.lease_until_ms = self._clock.wall_ms() + lease_ms
        row.job = replace(row.job, progress=progress)
        return Beat.CANCEL if row.job.cancel_requested else Beat.KEPT

    async def done(self, claim: Claim) -> bool:
        return self._end(claim, JobState.DONE, None, None)

    async def fail(self, claim: Claim, code: str, detail: str) -> bool:
        return self._end(claim, JobState.FAILED, code, detail)

    async def cancelled(self, claim: Claim) -> bool:
        return self._end(claim, JobState.CANCELLED, None, None)

    async def again(self, claim: Claim, payload: Mapping[str, Any], priority: int) -> bool:
        row = self._held(claim)
        if row is None:
            return False
        attempt = max(row.job.attempt - 1, 0)
        row.job = replace(row.job, payload=payload, priority=priority, attempt=attempt)
        self._put_back(row, run_at=self._now())
        return True

    async def give_back(self, claim: Claim) -> bool:
        row = self._held(claim)
        if row is None:
            return False
        row.job = replace(row.job, attempt=max(row.job.attempt - 1, 0))
        self._put_back(row)
        return True

    async def retry(self, claim: Claim, code: str, detail: str, delay_ms: int) -> bool:
        row = self._held(claim)
        if row is None:
            return False
        row.job = replace(row.job, error_code=code, error_detail=detail)
        if row.job.attempt >= row.job.attempts_max and not row.job.cancel_requested:
            self._finish(row, JobState.FAILED)
        else:
            self._put_back(row, run_at=self._now() + timedelta(milliseconds=delay_ms))
        return True

    async def cancel(self, job_id: str) -> None:
        row = self._rows.get(job_id)
        if row is None or row.job.finished_at is not None:
            return
        row.job = replace(row.job, cancel_requested=True)
        if row.job.state is JobState.QUEUED:
            self._finish(row, JobState.CANCELLED)
        for _, cancel in self._watchers:
            cancel(job_id)

    async def get(self, job_id: str) -> Job | None:
        row = self._rows.get(job_id)
        return None if row is None else row.job

    async def newest_of_subject(self, subject: str) -> Job | None:
        found = [row.job for row in self._rows.values() if row.job.subject == subject]
        return max(found, key=lambda job: (job.created_at, job.id), default=None)

    async def of_owner(self, owner: str, limit: int) -> list[Job]:
        found = [row.job for row in self._rows.values() if row.job.owner == owner]
        return sorted(found, key=lambda job: (job.created_at, job.id), reverse=True)[:limit]

    async def position(self, job_id: str) -> int | None:
        ids = [each.id for each in self._in_order()]
        return ids.index(job_id) if job_id in ids else None

    async def positions(self, owner: str) -> dict[str, int]:
        order = self._in_order()
        return {each.id: place for place, each in enumerate(order) if each.owner == owner}

    async def forget(self, age_ms: int, count: int) -> int:
        ended = [
            (row.job.finished_at, row.job.id)
            for row in self._rows.values()
            if row.job.finished_at is not None
        ]
        oldest_kept = self._now() - timedelta(milliseconds=age_ms)
        newest_first = sorted(ended, reverse=True)
        beyond = [
            job_id
            for place, (finished_at, job_id) in enumerate(newest_first)
            if place >= count or finished_at < oldest_kept
        ]
        forgotten = beyond[::-1][:JOB_FORGET_MAX]
        for job_id in forgotten:
            del self._rows[job_id]
        return len(forgotten)

    async def watch(self, ready: Callable[[], None], cancel: Callable[[str], None]) -> None:
        self._watchers.append((ready, cancel))
        try:
            ready()
            await asyncio.Event().wait()
        finally:
            self._watchers.remove((ready, cancel))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall_ms() / 1000, UTC)

    def _say_ready(self) -> None:
        for ready, _ in self._watchers:
            ready()

    def _held(self, claim: Claim) -> _Row | None:
        row = self._rows.get(claim.job.id)
        return row if row is not None and row.token == claim.token else None

    def _in_order(self) -> list[Waiting]:
        now = self._now()
        rows = self._rows.values()
        running = Counter(row.job.owner for row in rows if row.job.state is JobState.RUNNING)
        served: dict[str, int] = {}
        for row in rows:
            if row.claimed_at_ms is not None:
                served[row.job.owner] = max(served.get(row.job.owner, 0), row.claimed_at_ms)
        waiting = [
            Waiting(job.id, job.owner, job.priority, _ms(job.run_at), job.run_at > now)
            for job in (row.job for row in rows)
            if job.state is JobState.QUEUED
        ]
        return in_order(waiting, running, served)

    def _put_back_lost(self) -> None:
        for row in self._rows.values():
            if row.token is None or row.lease_until_ms >= self._clock.wall_ms():
                continue
            if row.job.attempt >= row.job.attempts_max and not row.job.cancel_requested:
                row.job = replace(row.job, error_code=WORKER_LOST, error_detail=WORKER_LOST_DETAIL)
                self._finish(row, JobState.FAILED)
            else:
                self._put_back(row)

    def _put_back(self, row: _Row, run_at: datetime | None = None) -> None:
        if row.job.cancel_requested:
            self._finish(row, JobState.CANCELLED)
            return
        row.token = None
        row.job = replace(row.job, state=JobState.QUEUED, run_at=run_at or row.job.run_at)
        self._say_ready()

    def _end(self, claim: Claim, state: JobState, code: str | None, detail: str | None) -> bool:
        row = self._held(claim)
        if row is None:
            return False
        row.job = replace(row.job, error_code=code, error_detail=detail)
        self._finish(row, state)
        return True

    def _finish(self, row: _Row, state: JobState) -> None:
        row.token = None
        row.job = replace(row.job, state=state, finished_at=self._now())


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
