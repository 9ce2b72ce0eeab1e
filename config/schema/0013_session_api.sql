-- Keys of requests that move money, with what was answered to them; and who may watch how much at
-- once.

create table idempotency_key (
    account text collate "C" not null,
    -- Method and path: the same key on another route is another request.
    route text collate "C" not null,
    key text collate "C" not null,
    -- SHA-256 of method, route and body.
    fingerprint bytea not null,
    -- Kept before anything is done: the ids of what the request makes are made of these and
    -- `created_at`, so that a second attempt makes the same ones.
    entropy bytea not null check (octet_length(entropy) = 10),
    created_at timestamptz not null,
    attempt integer not null default 1,
    -- Until then somebody works on it; later that process is taken for dead.
    locked_until timestamptz not null,
    -- JSON; null as long as nothing was done that could be answered.
    answer text,
    primary key (account, route, key)
);
create index idempotency_key_by_age on idempotency_key (created_at);

-- Who has another tier than the free one.
create table account_tier (
    account text primary key references account (id),
    tier text not null check (tier in ('bronze', 'silver', 'gold'))
);

-- --- what an account did with its money ---

-- A session is one line of a history, found by either side's account; what it moved is in its row.
create index playback_session_by_viewer on playback_session (viewer_account, id);
create index playback_session_by_creator on playback_session (creator_account, id);

-- All other transfers are lines of their own. They are few: none is made while somebody watches.
create index ledger_transfer_other_debit on ledger_transfer (debit, position)
    where cause not in ('hold', 'void', 'post');
create index ledger_transfer_other_credit on ledger_transfer (credit, position)
    where cause not in ('hold', 'void', 'post');
-- Those that belong to a session: their ids begin with its id.
create index ledger_transfer_refund on ledger_transfer (id) where cause = 'refund';

-- What a session was charged in [since, until). Of one that lies wholly inside that is its sum, which
-- takes two looks; only of one that lies across an end its transfers are added up.
create function session_charged(
    hold bigint, total bigint, ended boolean, since timestamptz, until timestamptz
) returns bigint language plpgsql stable as $$
declare
    first timestamptz;
    last timestamptz;
begin
    select recorded_at into first from ledger_transfer
    where debit = hold order by position limit 1;
    select recorded_at into last from ledger_transfer
    where debit = hold order by position desc limit 1;
    if first is null or first >= until or last < since then
        return 0;
    elsif ended and first >= since and last < until then
        return total;
    end if;
    return (
        select coalesce(sum(amount), 0) from ledger_transfer
        where debit = hold and cause = 'post' and recorded_at >= since and recorded_at < until
    );
end
$$;
