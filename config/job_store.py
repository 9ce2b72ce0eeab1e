"""Where jobs are kept, and claimed by one worker at a time."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from config.jobs import Beat, Claim, Job, NewJob


class JobStore(Protocol):
    """Jobs, their leases and their history.

    Leases run on the store's own clock. Each write of a worker is fenced by its claim's token: it
    returns False, and changes nothing, when the job is not (or no longer) that worker's. Any call
    may raise one of `config.postgres.UNAVAILABLE`.
    """

    async def enqueue(self, new: NewJob) -> Job:
        """Put a job into the queue; the one that has the same dedupe key, if there is one."""

    async def claim(self, kinds: Collection[str], lease_ms: int, worker: str) -> Claim | None:
        """Begin an attempt at the next job of these kinds; None when none is ready.

        A job whose lease has run out is put back first, where it was in the queue; one that has no
        attempt left fails with `WORKER_LOST`.
        """

    async def heartbeat(self, claim: Claim, lease_ms: int, progress: Mapping[str, Any]) -> Beat:
        """Extend the lease to `lease_ms` from now, and keep the progress."""

    async def done(self, claim: Claim) -> bool:
        """End the job well."""

    async def again(self, claim: Claim, payload: Mapping[str, Any], priority: int) -> bool:
        """Put the job back as another one; the attempt is not used up."""

    async def retry(self, claim: Claim, code: str, detail: str, delay_ms: int) -> bool:
        """Put the job back for later; it fails when this was its last attempt."""

    async def fail(self, claim: Claim, code: str, detail: str) -> bool:
        """End the job for good."""

    async def give_back(self, claim: Claim) -> bool:
        """Put the job back where it was in the queue; the attempt is not used up."""

    async def cancelled(self, claim: Claim) -> bool:
        """End the job as its owner wished."""

    async def cancel(self, job_id: str) -> None:
        """End a queued job at once; ask whoever runs it to end it. Ended ones stay as they are.

        A job that is put back into the queue after this ends as cancelled.
        """

    async def get(self, job_id: str) -> Job | None:
        """The job with this id."""

    async def newest_of_subject(self, subject: str) -> Job | None:
        """The job that was made last about something."""

    async def of_owner(self, owner: str, limit: int) -> list[Job]:
        """An owner's jobs, newest first."""

    async def position(self, job_id: str) -> int | None:
        """How many jobs are before this one; None when it does not wait."""

    async def positions(self, owner: str) -> dict[str, int]:
        """The same of each of an owner's jobs that wait."""

    async def forget(self, age_ms: int, count: int) -> int:
        """Delete jobs that ended longer ago, or that are more than the newest `count` ended ones.

        Returns:
            How many were deleted: at most `JOB_FORGET_MAX`, the oldest first.
        """

    async def watch(self, ready: Callable[[], None], cancel: Callable[[str], None]) -> None:
        """Tell what happens, until cancelled or until one of `UNAVAILABLE` is raised.

        Args:
            ready: a job may be ready; also called once at the beginning.
            cancel: a job that runs, by its id, is to be cancelled.
        """
