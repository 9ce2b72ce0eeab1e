-- Receipts: what was signed about each closed session, once.

create table receipt (
    session_id text collate "C" primary key,
    viewer text collate "C" not null,
    -- The viewer's n-th, which names the one before it.
    number bigint not null,
    hash text not null unique,
    previous text,
    document text not null,
    made_at timestamptz not null default now(),
    unique (viewer, number),
    check ((number = 1) = (previous is null))
);
create trigger receipt_immutable before update or delete or truncate on receipt
    for each statement execute function refuse_change();

-- Sessions that were closed, by whom ever, and have no receipt yet.
create table receipt_due (
    viewer text collate "C" not null,
    session_id text collate "C" not null,
    closed_at timestamptz not null,
    primary key (viewer, session_id)
);
insert into receipt_due (viewer, session_id, closed_at)
select viewer, id, closed_at from playback_session where closed_at is not null;

create function playback_session_closed() returns trigger language plpgsql as $$
begin
    insert into receipt_due (viewer, session_id, closed_at)
    values (new.viewer, new.id, new.closed_at);
    return null;
end
$$;
create trigger playback_session_closed after update of closed_at on playback_session
    for each row when (old.closed_at is null and new.closed_at is not null)
    execute function playback_session_closed();

-- Terms that a session had before others took over, and how far it was then: the session itself only
-- knows the last ones.
create table session_terms (
    session_id text collate "C" not null,
    -- Of the session, when it was charged under these terms for the last time.
    revision bigint not null,
    epoch bigint not null,
    since_ticks bigint not null,
    since_rungs bigint[],
    paid bigint not null,
    ticks bigint not null,
    rung_ticks bigint[],
    amount bigint not null,
    primary key (session_id, revision)
);
create trigger session_terms_immutable before update or delete or truncate on session_terms
    for each statement execute function refuse_change();

create function playback_session_repriced() returns trigger language plpgsql as $$
begin
    insert into session_terms values (
        old.id, old.revision, old.epoch, old.since_ticks, old.since_rungs, old.paid,
        old.ticks, old.rung_ticks, old.amount
    );
    return null;
end
$$;
create trigger playback_session_repriced after update of epoch on playback_session
    for each row execute function playback_session_repriced();
