"""Jobs: long work that outlives a request, and the rules of its queue."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from config.limits import JOB_BACKOFF_MS_MAX, JOB_BACKOFF_MS_MIN, JOB_DETAIL_CHARACTERS_MAX

# Of a job whose worker died each time: the job itself is the likeliest cause.
WORKER_LOST = "worker_lost"
WORKER_LOST_DETAIL = "The process that worked on this ended before it was done, each time."
# Of a job whose handler fails in a way that nobody expected; the log has the traceback.
INTERNAL = "internal"
INTERNAL_DETAIL = "Something broke here while working on this; it has been logged."
# Of a job that somebody would otherwise wait for forever.
TOO_LONG = "too_long"
TOO_LONG_DETAIL = "This took longer than any job may."


class JobState(StrEnum):
    """The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class NewJob:
    """What is to be done, for whom, and on what.

    Attributes:
        kind: which handler does it.
        owner: whose turn it uses up; owners take turns.
        subject: what it is about, e.g. an id.
        payload: what the handler needs to know, as JSON.
        priority: higher ones go first, whoever owns them.
        dedupe_key: made from the job's cause; the same key never makes a second job, as long as
            the first one is remembered.
    """

    kind: str
    owner: str
    subject: str
    payload: Mapping[str, Any]
    priority: int = 0
    dedupe_key: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the queue.

    Attributes:
        attempt: how many attempts were used up, the present one included.
        progress: what the handler said last, as JSON.
        error_code, error_detail: why the last attempt failed; also while another one is to come.
        started_at: when the first attempt began.
        run_at: not before; later than now only after a failed attempt.
    """

    id: str
    kind: str
    owner: str
    subject: str
    payload: Mapping[str, Any]
    priority: int
    state: JobState
    attempt: int
    attempts_max: int
    progress: Mapping[str, Any]
    cancel_requested: bool
    error_code: str | None
    error_detail: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    run_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at a job. Whoever holds the token that the store knows may write."""

    job: Job
    token: str


class Beat(StrEnum):
    """What the store answers to a heartbeat."""

    KEPT = "kept"
    LOST = "lost"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Again:
    """A handler's answer: this much is done, and the rest is a job of another priority."""

    payload: Mapping[str, Any]
    priority: int


class JobFailed(Exception):
    """A handler's expected failure.

    Attributes:
        code: stable, machine-readable.
        detail: a sentence that a person can act on.
        retry: whether another attempt may end better.
    """

    def __init__(self, code: str, detail: str, *, retry: bool = False) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        # It may quote a hostile file, and a database takes no zero character.
        printable = "".join(each for each in detail if each.isprintable())
        self.detail = printable[:JOB_DETAIL_CHARACTERS_MAX]
        self.retry = retry


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a handler is given.

    Attributes:
        job: as it was claimed.
        token: for effects in the same database that must not come from an attempt that is over:
            they are written `where exists (select from job where id = $1 and lease_token = $2)`.
        report: takes the progress to be shown; cheap, may be called often.
    """

    job: Job
    token: str
    report: Callable[[Mapping[str, Any]], None]


Handler = Callable[[JobContext], Awaitable[Again | None]]
"""Does one kind of job. May be cancelled at any time, and called again for the same job: what it
did before has to be gone on with or done over, not done twice."""


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How one lease is kept, in milliseconds of a clock that never jumps."""

    lease_ms: int

    @property
    def beat_ms(self) -> int:
        """Between heartbeats: three may be missed."""
        return self.lease_ms // 6

    def deadline_ms(self, asked_at_ms: int) -> int:
        """When to stop without news of the store.

        The store counts from when it was asked or later, so its lease ends no earlier than
        `lease_ms` after that. What is missing of it here is for the handler to come to its end.
        """
        return asked_at_ms + self.lease_ms - self.beat_ms


def backoff_ms(attempt: int) -> int:
    """How long to wait after the `attempt`-th failed attempt: doubles up to a limit."""
    return int(min(JOB_BACKOFF_MS_MAX, JOB_BACKOFF_MS_MIN << min(attempt - 1, 32)))


@dataclass(frozen=True, slots=True)
class Waiting:
    """What decides when a queued job's turn comes. Times are milliseconds."""

    id: str
    owner: str
    priority: int
    run_at: int
    delayed: bool


def in_order(
    waiting: Iterable[Waiting], running: Mapping[str, int], served_at: Mapping[str, int]
) -> list[Waiting]:
    """Queued jobs in the order of their turns.

    Higher priorities first. Of equal priority an owner's n-th job, counting the running ones, waits
    behind the other owners' jobs before their n-th. Of those that are equal in this, the owner goes
    first who has not been served for longest: so one worker alone serves owners in turn. What is
    delayed comes last. `jobs_postgres` says the same in SQL.

    Args:
        waiting: all that is queued.
        running: owner -> how many of its jobs run.
        served_at: owner -> when a job of it began last, milliseconds.
    """
    count: dict[str, int] = {}
    keyed: list[tuple[tuple[bool, int, int, int, int, int, str], Waiting]] = []
    for each in sorted(waiting, key=lambda w: (w.delayed, -w.priority, w.run_at, w.id)):
        nth = count[each.owner] = count.get(each.owner, 0) + 1
        rank = running.get(each.owner, 0) + nth
        served = served_at.get(each.owner, -1)
        key = (each.delayed, -each.priority, rank, nth, served, each.run_at, each.id)
        keyed.append((key, each))
    return [each for _, each in sorted(keyed, key=lambda pair: pair[0])]
