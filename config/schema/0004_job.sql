-- Jobs: long work that any process with this database can take over.

create table job (
    id text primary key,
    kind text not null,
    owner text not null,
    subject text not null,
    payload jsonb not null,
    priority integer not null,
    dedupe_key text unique,
    state text not null default 'queued'
        check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
    -- Not before; queued jobs of equal rank go in this order.
    run_at timestamptz not null default now(),
    attempt integer not null default 0,
    attempts_max integer not null,
    progress jsonb not null default '{}',
    cancel_requested boolean not null default false,
    error_code text,
    error_detail text,
    -- The fence: a worker's writes name the token that it was given.
    lease_token uuid,
    lease_until timestamptz,
    worker text,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    -- When the latest attempt began: owners take turns by it.
    claimed_at timestamptz,
    finished_at timestamptz,
    check ((state = 'running') = (lease_token is not null)),
    check ((state = 'running') = (lease_until is not null)),
    check ((state in ('done', 'failed', 'cancelled')) = (finished_at is not null))
);

-- Each owner's next jobs, and with it who waits at all.
create index job_queued on job (owner, priority desc, run_at, id) where state = 'queued';
-- There are as many as workers. The lease's end is left out, so that a heartbeat touches no index.
create index job_running on job (owner) where state = 'running';
create index job_served on job (owner, claimed_at desc) where claimed_at is not null;
create index job_of_owner on job (owner, created_at desc, id desc);
create index job_of_subject on job (subject, created_at desc, id desc);
create index job_finished on job (finished_at) where finished_at is not null;
