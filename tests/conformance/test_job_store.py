"""Every JobStore behaves the same."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from config.clock import ManualClock, SystemClock
from config.ids import is_id
from config.job_store import JobStore
from config.jobs import WORKER_LOST, Beat, Claim, Job, JobState, NewJob
from config.jobs_memory import MemoryJobStore
from config.jobs_postgres import PostgresJobStore
from config.limits import JOB_ATTEMPTS_MAX
from config.postgres import Database

LEASE_MS = 10_000

_LET_TIME_PASS = """
update job set
    created_at = created_at - passed, started_at = started_at - passed,
    claimed_at = claimed_at - passed, finished_at = finished_at - passed,
    run_at = run_at - passed, lease_until = lease_until - passed
from (select $1 * interval '1 millisecond' as passed) as time
"""


class _LivelyClock(ManualClock):
    """No two moments are the same, as in a real store."""

    def wall_ms(self) -> int:
        self.advance(1)
        return super().wall_ms()


@dataclass(frozen=True)
class Queue:
    store: JobStore
    passes: Callable[[int], Awaitable[object]]  # lets so many milliseconds pass

    async def enqueue(self, owner: str = "acc_one", priority: int = 0, **more: Any) -> Job:
        new = NewJob(kind="wash", owner=owner, subject="sub_1", payload={"n": 1}, priority=priority)
        return await self.store.enqueue(replace(new, **more))

    async def claim(self, lease_ms: int = LEASE_MS) -> Claim:
        claim = await self.store.claim(["wash"], lease_ms, "worker 1")
        assert claim is not None, "a job is ready"
        return claim

    async def claimed_ids(self) -> list[str]:
        """Claim and end all that is ready, one after the other."""
        ids = []
        while (claim := await self.store.claim(["wash"], LEASE_MS, "worker 1")) is not None:
            ids.append(claim.job.id)
            assert await self.store.done(claim)
        return ids

    async def get(self, job: Job) -> Job:
        found = await self.store.get(job.id)
        assert found is not None
        return found


@pytest.fixture(params=["memory", "postgres"])
def queue(request: pytest.FixtureRequest) -> Queue:
    if request.param == "memory":
        clock = _LivelyClock()

        async def advance(milliseconds: int) -> None:
            clock.advance(milliseconds)

        return Queue(MemoryJobStore(clock), advance)
    database: Database = request.getfixturevalue("database")
    store = PostgresJobStore(database, SystemClock())
    return Queue(store, lambda ms: database.execute(_LET_TIME_PASS, ms))


async def test_a_job_is_done_in_one_attempt(queue: Queue) -> None:
    made = await queue.enqueue()
    assert is_id("job", made.id)
    assert (made.state, made.attempt, made.payload) == (JobState.QUEUED, 0, {"n": 1})
    claim = await queue.claim()
    assert claim.job == replace(
        made, state=JobState.RUNNING, attempt=1, started_at=claim.job.started_at
    )
    assert await queue.store.heartbeat(claim, LEASE_MS, {"360p": 500}) is Beat.KEPT
    assert (await queue.get(made)).progress == {"360p": 500}
    assert await queue.store.done(claim)
    ended = await queue.get(made)
    assert ended.state is JobState.DONE
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert made.created_at <= ended.started_at <= ended.finished_at


async def test_nobody_gets_what_is_not_there_or_not_their_kind(queue: Queue) -> None:
    assert await queue.store.claim(["wash"], LEASE_MS, "worker 1") is None
    await queue.enqueue()
    assert await queue.store.claim(["iron"], LEASE_MS, "worker 1") is None
    await queue.claim()
    assert await queue.store.claim(["wash"], LEASE_MS, "worker 1") is None
    assert await queue.store.get("job_none") is None
    assert await queue.store.newest_of_subject("sub_none") is None
    assert await queue.store.position("job_none") is None
    await queue.store.cancel("job_none")


async def test_the_same_cause_makes_one_job_even_after_it_has_ended(queue: Queue) -> None:
    first = await queue.enqueue(dedupe_key="upload 1")
    assert await queue.enqueue(dedupe_key="upload 1", priority=7) == first
    assert await queue.claimed_ids() == [first.id]
    assert (await queue.enqueue(dedupe_key="upload 1")).state is JobState.DONE
    assert (await queue.enqueue(dedupe_key="upload 2")).id != first.id


async def test_a_lost_lease_is_somebody_elses_and_the_old_token_writes_nothing(
    queue: Queue,
) -> None:
    made = await queue.enqueue()
    old = await queue.claim()
    await queue.passes(LEASE_MS // 2)
    assert await queue.store.heartbeat(old, LEASE_MS, {}) is Beat.KEPT
    await queue.passes(LEASE_MS // 2 + 1_000)
    assert await queue.store.claim(["wash"], LEASE_MS, "worker 2") is None  # it was extended
    await queue.passes(LEASE_MS)
    new = await queue.claim()
    assert (new.job.id, new.job.attempt) == (made.id, 2)
    before = await queue.get(made)
    store = queue.store
    assert await store.heartbeat(old, LEASE_MS, {"360p": 1}) is Beat.LOST
    assert not await store.done(old)
    assert not await store.again(old, {}, 0)
    assert not await store.retry(old, "x", "X.", 0)
    assert not await store.fail(old, "x", "X.")
    assert not await store.give_back(old)
    assert not await store.cancelled(old)
    assert await queue.get(made) == before
    assert await store.done(new)
    assert not await store.done(new)


async def test_a_job_whose_workers_all_died_fails_and_those_behind_it_run(queue: Queue) -> None:
    poison = await queue.enqueue(priority=1)
    behind = await queue.enqueue()
    for attempt in range(1, JOB_ATTEMPTS_MAX + 1):
        claim = await queue.claim()
        assert (claim.job.id, claim.job.attempt) == (poison.id, attempt)
        await queue.passes(LEASE_MS + 1_000)
    assert (await queue.claim()).job.id == behind.id
    failed = await queue.get(poison)
    assert (failed.state, failed.error_code) == (JobState.FAILED, WORKER_LOST)
    assert failed.error_detail is not None
    assert failed.error_detail.endswith(".")
    assert failed.finished_at is not None


async def test_a_failed_attempt_is_tried_again_later_until_there_are_no_more(queue: Queue) -> None:
    made = await queue.enqueue()
    for _ in range(JOB_ATTEMPTS_MAX):
        claim = await queue.claim()
        assert await queue.store.retry(claim, "disk_full", "No space is left.", 5_000)
        assert await queue.store.claim(["wash"], LEASE_MS, "worker 1") is None
        await queue.passes(6_000)
    failed = await queue.get(made)
    assert (failed.state, failed.attempt) == (JobState.FAILED, JOB_ATTEMPTS_MAX)
    assert (failed.error_code, failed.error_detail) == ("disk_full", "No space is left.")


async def test_a_second_attempt_that_succeeds_leaves_no_error(queue: Queue) -> None:
    made = await queue.enqueue()
    assert await queue.store.retry(await queue.claim(), "x", "X.", 0)
    await queue.passes(1)
    assert (await queue.get(made)).error_code == "x"
    assert await queue.claimed_ids() == [made.id]
    done = await queue.get(made)
    assert (done.error_code, done.error_detail, done.attempt) == (None, None, 2)


async def test_a_refused_job_fails_at_once(queue: Queue) -> None:
    made = await queue.enqueue()
    assert await queue.store.fail(await queue.claim(), "not_media", "This is a text.")
    failed = await queue.get(made)
    assert (failed.state, failed.error_code) == (JobState.FAILED, "not_media")
    assert failed.error_detail == "This is a text."
    assert await queue.claimed_ids() == []


async def test_the_rest_of_a_job_waits_behind_more_urgent_ones(queue: Queue) -> None:
    made = await queue.enqueue(priority=5)
    claim = await queue.claim()
    assert await queue.store.heartbeat(claim, LEASE_MS, {"360p": 1000}) is Beat.KEPT
    other = await queue.enqueue(priority=5)
    assert await queue.store.again(claim, {"n": 2}, 1)
    back = await queue.get(made)
    assert (back.state, back.attempt, back.payload) == (JobState.QUEUED, 0, {"n": 2})
    assert back.progress == {"360p": 1000}
    assert await queue.claimed_ids() == [other.id, made.id]


async def test_a_job_given_back_is_ready_at_once_in_its_place(queue: Queue) -> None:
    made, other = await queue.enqueue(), await queue.enqueue()
    claim = await queue.claim()
    assert await queue.store.give_back(claim)
    assert (await queue.get(made)).attempt == 0
    again = await queue.claim()
    assert (again.job.id, again.job.attempt) == (made.id, 1)
    assert await queue.store.position(other.id) == 0


async def test_a_queued_job_is_cancelled_at_once(queue: Queue) -> None:
    made = await queue.enqueue()
    await queue.store.cancel(made.id)
    cancelled = await queue.get(made)
    assert cancelled.state is JobState.CANCELLED
    assert cancelled.finished_at is not None
    assert await queue.claimed_ids() == []
    await queue.store.cancel(made.id)
    assert await queue.get(made) == cancelled


async def test_a_running_job_is_cancelled_by_its_worker(queue: Queue) -> None:
    made = await queue.enqueue()
    claim = await queue.claim()
    await queue.store.cancel(made.id)
    asked = await queue.get(made)
    assert (asked.state, asked.cancel_requested) == (JobState.RUNNING, True)
    assert await queue.store.heartbeat(claim, LEASE_MS, {}) is Beat.CANCEL
    assert await queue.store.cancelled(claim)
    assert (await queue.get(made)).state is JobState.CANCELLED


@pytest.mark.parametrize("way", ["again", "retry", "give_back", "lost"])
async def test_what_is_to_be_cancelled_never_returns_to_the_queue(queue: Queue, way: str) -> None:
    made = await queue.enqueue()
    claim = await queue.claim()
    await queue.store.cancel(made.id)
    if way == "again":
        assert await queue.store.again(claim, {}, 0)
    elif way == "retry":
        assert await queue.store.retry(claim, "x", "X.", 0)
    elif way == "give_back":
        assert await queue.store.give_back(claim)
    await queue.passes(LEASE_MS + 1_000)
    assert await queue.claimed_ids() == []
    ended = await queue.get(made)
    assert (ended.state, ended.finished_at is None) == (JobState.CANCELLED, False)


async def test_one_worker_serves_owners_in_turn(queue: Queue) -> None:
    """One with many jobs came first; the others wait for one of them each, not for all."""
    many = [(await queue.enqueue("acc_many")).id for _ in range(4)]
    few = [(await queue.enqueue("acc_few")).id for _ in range(2)]
    one = (await queue.enqueue("acc_one")).id
    assert await queue.claimed_ids() == [many[0], few[0], one, many[1], few[1], many[2], many[3]]


async def test_many_workers_are_shared_between_owners_and_priority_goes_first(
    queue: Queue,
) -> None:
    many = [await queue.enqueue("acc_many") for _ in range(3)]
    few = [await queue.enqueue("acc_few") for _ in range(2)]
    assert [(await queue.claim()).job.id for _ in range(2)] == [many[0].id, few[0].id]
    urgent = await queue.enqueue("acc_many", priority=1)
    new = await queue.enqueue("acc_new")
    order = [urgent.id, new.id, few[1].id, many[1].id, many[2].id]
    places = {each: await queue.store.position(each) for each in order}
    assert places == {each: place for place, each in enumerate(order)}
    assert await queue.store.positions("acc_many") == {
        urgent.id: 0,
        many[1].id: 3,
        many[2].id: 4,
    }
    assert await queue.store.position(many[0].id) is None
    assert [(await queue.claim()).job.id for _ in range(2)] == [urgent.id, new.id]


async def test_one_that_waits_for_its_next_attempt_is_behind_those_that_are_ready(
    queue: Queue,
) -> None:
    failed = await queue.enqueue(priority=9)
    assert await queue.store.retry(await queue.claim(), "x", "X.", 60_000)
    ready = await queue.enqueue()
    assert await queue.store.position(failed.id) == 1
    assert await queue.claimed_ids() == [ready.id]


async def test_an_owner_sees_own_jobs_newest_first(queue: Queue) -> None:
    first, _, third = [await queue.enqueue(owner) for owner in ("acc_a", "acc_b", "acc_a")]
    assert await queue.store.of_owner("acc_a", 10) == [third, first]
    assert await queue.store.of_owner("acc_a", 1) == [third]
    assert await queue.store.newest_of_subject("sub_1") == third


async def test_ended_jobs_are_forgotten_by_age_and_by_number(queue: Queue) -> None:
    jobs = [await queue.enqueue() for _ in range(3)]
    waiting = await queue.enqueue("acc_late", priority=-1)
    for _ in jobs:
        await queue.store.done(await queue.claim())
    assert await queue.store.forget(age_ms=60_000, count=3) == 0
    assert await queue.store.forget(age_ms=60_000, count=2) == 1
    assert await queue.store.get(jobs[0].id) is None
    await queue.passes(61_000)
    assert await queue.store.forget(age_ms=60_000, count=2) == 2
    assert (await queue.get(waiting)).state is JobState.QUEUED


async def test_watchers_are_told_of_new_jobs_and_of_those_to_be_cancelled(queue: Queue) -> None:
    ready, cancelled = asyncio.Event(), asyncio.Queue[str]()
    watching = asyncio.create_task(queue.store.watch(ready.set, cancelled.put_nowait))
    async with asyncio.timeout(30):
        await ready.wait()  # once at the beginning
        ready.clear()
        made = await queue.enqueue()
        await ready.wait()
        claim = await queue.claim()
        ready.clear()
        await queue.store.give_back(claim)
        await ready.wait()
        await queue.claim()
        await queue.store.cancel(made.id)
        assert await cancelled.get() == made.id
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


async def test_claims_at_the_same_moment_get_different_jobs(queue: Queue) -> None:
    made = {(await queue.enqueue()).id for _ in range(8)}
    claims = await asyncio.gather(*(queue.claim() for _ in range(8)))
    assert {claim.job.id for claim in claims} == made
