"""Jobs in Postgres (table `job`)."""

import json
from collections.abc import Callable, Collection, Mapping
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
)
from config.limits import (
    JOB_ATTEMPTS_MAX,
    JOB_CLAIM_CANDIDATES,
    JOB_FORGET_MAX,
    JOB_JSON_BYTES_MAX,
)
from config.postgres import Database, Record

# Says "" when a job may be ready, or the id of a job that is to be cancelled.
_CHANNEL = "tollcast_job"

_COLUMNS = (
    "job.id, job.kind, job.owner, job.subject, job.payload, job.priority, job.state, job.attempt,"
    " job.attempts_max, job.progress, job.cancel_requested, job.error_code, job.error_detail,"
    " job.created_at, job.started_at, job.finished_at, job.run_at"
)
_SELECT = f"select {_COLUMNS} from job"

_INSERT = f"""
with made as (
    insert into job (id, kind, owner, subject, payload, priority, dedupe_key, attempts_max)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (dedupe_key) do nothing
    returning *
)
select {_COLUMNS}, pg_notify('{_CHANNEL}', '') from made as job
"""

# A lease may be extended between the look and the lock: the row is judged as it is then. Those that
# another process puts back at this moment are left to it.
_PUT_BACK_LOST = """
update job set
    lease_token = null, lease_until = null,
    state = case
        when cancel_requested then 'cancelled'
        when attempt >= attempts_max then 'failed'
        else 'queued'
    end,
    finished_at = case when cancel_requested or attempt >= attempts_max then now() end,
    (error_code, error_detail) = (
        select case when lost then $1 else error_code end,
            case when lost then $2 else error_detail end
        from (select attempt >= attempts_max and not cancel_requested as lost) as verdict
    )
where id in (
    select id from job where state = 'running' and lease_until < now() for update skip locked
)
"""

# `config.jobs.in_order` in SQL, for the first jobs of each owner. `waiting` leaps from owner to
# owner over the index, so that a long queue of one owner costs nothing. There is more than one
# candidate, since other processes may hold the first ones at this moment.
_CLAIM = f"""
with recursive waiting as (
    (select owner from job where state = 'queued' order by owner limit 1)
    union all
    select (
        select job.owner from job
        where job.state = 'queued' and job.owner > waiting.owner
        order by job.owner limit 1
    )
    from waiting where waiting.owner is not null
),
standing as materialized (
    select owner,
        (select count(*) from job where state = 'running' and job.owner = waiting.owner) as running,
        (select max(claimed_at) from job where job.owner = waiting.owner) as served_at
    from waiting where owner is not null
),
candidate as (
    select next.id,
        row_number() over (
            order by priority desc, running + nth, nth, served_at nulls first, run_at, id
        ) as place
    from standing cross join lateral (
        select id, priority, run_at, row_number() over (order by priority desc, run_at, id) as nth
        from (
            select id, priority, run_at from job
            where state = 'queued' and owner = standing.owner and kind = any($1)
                and run_at <= now()
            order by priority desc, run_at, id
            limit {JOB_CLAIM_CANDIDATES}
        ) as first
    ) as next
    order by place limit {JOB_CLAIM_CANDIDATES}
),
candidates as materialized (select array_agg(id order by place) as ids from candidate),
chosen as (
    select job.id
    from candidates join job on job.id = any(candidates.ids)
    where job.state = 'queued'
    order by array_position(candidates.ids, job.id)
    limit 1
    for update of job skip locked
)
update job set
    state = 'running', attempt = attempt + 1, worker = $3, claimed_at = now(),
    started_at = coalesce(started_at, now()),
    lease_token = gen_random_uuid(), lease_until = now() + $2 * interval '1 millisecond'
from chosen where job.id = chosen.id
returning {_COLUMNS}, job.lease_token
"""

# The same order over the whole queue.
_POSITIONS = """
with waiting as (
    select id, owner, priority, run_at, run_at > now() as delayed,
        row_number() over (
            partition by owner order by run_at > now(), priority desc, run_at, id
        ) as nth
    from job where state = 'queued'
),
standing as materialized (
    select owner,
        (select count(*) from job where state = 'running' and job.owner = each.owner) as running,
        (select max(claimed_at) from job where job.owner = each.owner) as served_at
    from (select distinct owner from waiting) as each
),
placed as (
    select id, owner, row_number() over (
        order by delayed, priority desc, running + nth, nth, served_at nulls first, run_at, id
    ) - 1 as position
    from waiting join standing using (owner)
)
select id, position from placed
"""

_FENCE = "id = $1 and lease_token = $2 and state = 'running'"
_ENDED = "lease_token = null, lease_until = null, finished_at = now()"
_PUT_BACK = """
    lease_token = null, lease_until = null,
    state = case when cancel_requested then 'cancelled' else 'queued' end,
    finished_at = case when cancel_requested then now() end
"""

_HEARTBEAT = f"""
update job set lease_until = now() + $3 * interval '1 millisecond', progress = $4
where {_FENCE} returning cancel_requested
"""
_DONE = f"""
update job set {_ENDED}, state = 'done', error_code = null, error_detail = null where {_FENCE}
"""
_FAIL = f"""
update job set {_ENDED}, state = 'failed', error_code = $3, error_detail = $4 where {_FENCE}
"""
_CANCELLED = f"""
update job set {_ENDED}, state = 'cancelled', error_code = null, error_detail = null where {_FENCE}
"""
_RETRY = f"""
update job set
    lease_token = null, lease_until = null,
    state = case
        when cancel_requested then 'cancelled'
        when attempt >= attempts_max then 'failed'
        else 'queued'
    end,
    finished_at = case when cancel_requested or attempt >= attempts_max then now() end,
    run_at = now() + $5 * interval '1 millisecond', error_code = $3, error_detail = $4
where {_FENCE}
"""
_AGAIN = f"""
with back as (
    update job set {_PUT_BACK}, attempt = greatest(attempt - 1, 0), payload = $3, priority = $4,
        run_at = now()
    where {_FENCE} returning id
)
select pg_notify('{_CHANNEL}', '') from back
"""
_GIVE_BACK = f"""
with back as (
    update job set {_PUT_BACK}, attempt = greatest(attempt - 1, 0) where {_FENCE} returning id
)
select pg_notify('{_CHANNEL}', '') from back
"""
_CANCEL = f"""
with asked as (
    update job set cancel_requested = true,
        state = case state when 'queued' then 'cancelled' else state end,
        finished_at = case state when 'queued' then now() end
    where id = $1 and state in ('queued', 'running') returning id
)
select pg_notify('{_CHANNEL}', id) from asked
"""
_FORGET = """
delete from job where id in (
    select id from job where finished_at < greatest(
        now() - $1 * interval '1 millisecond',
        (
            select finished_at from job where finished_at is not null
            order by finished_at desc offset $2 - 1 limit 1
        )
    )
    order by finished_at limit $3
)
"""


class PostgresJobStore:
    """The JobStore that all processes with this database share; its clock is the database's."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """`clock` is for ids alone."""
        self._database = database
        self._clock = clock

    async def enqueue(self, new: NewJob) -> Job:
        row = await self._database.fetchrow(
            _INSERT,
            new_id("job", self._clock.wall_ms()),
            new.kind,
            new.owner,
            new.subject,
            _encode(new.payload),
            new.priority,
            new.dedupe_key,
            JOB_ATTEMPTS_MAX,
        )
        if row is None:
            row = await self._database.fetchrow(f"{_SELECT} where dedupe_key = $1", new.dedupe_key)
        assert row is not None, "ended jobs are kept for longer than a call takes"
        return _job(row)

    async def claim(self, kinds: Collection[str], lease_ms: int, worker: str) -> Claim | None:
        await self._database.execute(_PUT_BACK_LOST, WORKER_LOST, WORKER_LOST_DETAIL)
        row = await self._database.fetchrow(_CLAIM, list(kinds), lease_ms, worker)
        return None if row is None else Claim(_job(row), str(row["lease_token"]))

    async def heartbeat(self, claim: Claim, lease_ms: int, progress: Mapping[str, Any]) -> Beat:
        cancel = await self._database.fetchval(
            _HEARTBEAT, claim.job.id, claim.token, lease_ms, _encode(progress)
        )
        if cancel is None:
            return Beat.LOST
        return Beat.CANCEL if cancel else Beat.KEPT

    async def done(self, claim: Claim) -> bool:
        return await self._update(_DONE, claim)

    async def fail(self, claim: Claim, code: str, detail: str) -> bool:
        return await self._update(_FAIL, claim, code, detail)

    async def cancelled(self, claim: Claim) -> bool:
        return await self._update(_CANCELLED, claim)

    async def retry(self, claim: Claim, code: str, detail: str, delay_ms: int) -> bool:
        return await self._update(_RETRY, claim, code, detail, delay_ms)

    async def again(self, claim: Claim, payload: Mapping[str, Any], priority: int) -> bool:
        job_id, token = claim.job.id, claim.token
        return bool(await self._database.fetch(_AGAIN, job_id, token, _encode(payload), priority))

    async def give_back(self, claim: Claim) -> bool:
        return bool(await self._database.fetch(_GIVE_BACK, claim.job.id, claim.token))

    async def cancel(self, job_id: str) -> None:
        await self._database.execute(_CANCEL, job_id)

    async def get(self, job_id: str) -> Job | None:
        row = await self._database.fetchrow(f"{_SELECT} where id = $1", job_id)
        return None if row is None else _job(row)

    async def newest_of_subject(self, subject: str) -> Job | None:
        row = await self._database.fetchrow(
            f"{_SELECT} where subject = $1 order by created_at desc, id desc limit 1", subject
        )
        return None if row is None else _job(row)

    async def of_owner(self, owner: str, limit: int) -> list[Job]:
        rows = await self._database.fetch(
            f"{_SELECT} where owner = $1 order by created_at desc, id desc limit $2", owner, limit
        )
        return [_job(row) for row in rows]

    async def position(self, job_id: str) -> int | None:
        row = await self._database.fetchrow(f"{_POSITIONS} where id = $1", job_id)
        return None if row is None else row["position"]

    async def positions(self, owner: str) -> dict[str, int]:
        rows = await self._database.fetch(f"{_POSITIONS} where owner = $1", owner)
        return {row["id"]: row["position"] for row in rows}

    async def forget(self, age_ms: int, count: int) -> int:
        tag = await self._database.execute(_FORGET, age_ms, count, JOB_FORGET_MAX)
        return int(tag.removeprefix("DELETE "))

    async def watch(self, ready: Callable[[], None], cancel: Callable[[str], None]) -> None:
        await self._database.listen(_CHANNEL, lambda job_id: cancel(job_id) if job_id else ready())

    async def _update(self, statement: str, claim: Claim, *values: object) -> bool:
        tag = await self._database.execute(statement, claim.job.id, claim.token, *values)
        return tag == "UPDATE 1"


def _encode(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, separators=(",", ":"))
    assert len(text) <= JOB_JSON_BYTES_MAX, "what is large belongs into a file"
    return text


def _job(row: Record) -> Job:
    return Job(
        id=row["id"],
        kind=row["kind"],
        owner=row["owner"],
        subject=row["subject"],
        payload=json.loads(row["payload"]),
        priority=row["priority"],
        state=JobState(row["state"]),
        attempt=row["attempt"],
        attempts_max=row["attempts_max"],
        progress=json.loads(row["progress"]),
        cancel_requested=row["cancel_requested"],
        error_code=row["error_code"],
        error_detail=row["error_detail"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        run_at=row["run_at"],
    )
