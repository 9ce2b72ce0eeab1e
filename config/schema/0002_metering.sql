-- The ledger and the meter's journal. Rows of what happened are only ever inserted.

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% rows are never changed: post a correction instead', tg_table_name
        using errcode = 'restrict_violation';
end
$$;

-- --- ledger ---------------------------------------------------------------------------------------

create table ledger_account (
    -- Names compare by bytes: shorter to sort and to look up, and the same order everywhere.
    id text collate "C" primary key,
    -- What transfers refer to: 8 bytes instead of 45, twice in a row and in its indexes.
    number bigint generated always as identity unique,
    asset text not null,
    floor bigint,
    -- The sum of the account's transfers, kept by the statement that inserts them. It is a
    -- projection (ledger `check` adds it up anew), but without it no floor could be guarded
    -- without reading every transfer that an account ever took part in.
    balance bigint not null default 0,
    constraint ledger_account_floor check (balance >= floor)
) with (fillfactor = 50); -- Balances change in place (heap-only), without touching the indexes.

create table ledger_transfer (
    id text collate "C" primary key,
    -- Drawn while the accounts are locked, so that it grows within each account.
    position bigint generated always as identity,
    -- Account numbers. No foreign keys: `ledger_apply`, the only writer, takes them from rows that
    -- it has locked, accounts are never deleted, and two more checks a row would cost a third.
    debit bigint not null,
    credit bigint not null,
    amount bigint not null check (amount > 0),
    cause text not null,
    recorded_at timestamptz not null default now(),
    check (debit <> credit)
);
create index ledger_transfer_by_debit on ledger_transfer (debit, position);
create index ledger_transfer_by_credit on ledger_transfer (credit, position);

create trigger ledger_transfer_immutable before update or delete or truncate on ledger_transfer
    for each statement execute function refuse_change();
create trigger ledger_account_kept before delete or truncate on ledger_account
    for each statement execute function refuse_change();

-- Insert transfers, none of which was posted before, and move the balances. All accounts are locked
-- first, in the order of their numbers, so that two batches never wait for each other in a circle.
create function ledger_apply(
    ids text[], debits text[], credits text[], amounts bigint[], assets text[], causes text[]
) returns void language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    refusal text;
begin
    with change as materialized (
        select account, sum(amount)::bigint as amount, min(asset) as first_asset, max(asset) as last_asset
        from (
            select account, -amount, asset
            from unnest(debits, amounts, assets) as line (account, amount, asset)
            union all
            select account, amount, asset
            from unnest(credits, amounts, assets) as line (account, amount, asset)
        ) as moved (account, amount, asset)
        group by account
    ), locked as materialized (
        select id, balance + amount as balance, floor,
            asset <> first_asset or asset <> last_asset as mismatched
        from change join ledger_account on id = change.account
        order by number for no key update of ledger_account
    )
    select coalesce(
        'unknown_account ' || (
            select min(account) from change
            where not exists (select from ledger_account where id = account)
        ),
        'asset_mismatch ' || min(id) filter (where mismatched),
        'would_overdraw ' || min(id) filter (where balance < floor)
    )
    into refusal from locked;
    if refusal is not null then
        raise exception using
            message = split_part(refusal, ' ', 1), detail = split_part(refusal, ' ', 2);
    end if;

    insert into ledger_transfer (id, debit, credit, amount, cause)
    select line.id, debit.number, credit.number, line.amount, line.cause
    from unnest(ids, debits, credits, amounts, causes) as line (id, debit, credit, amount, cause)
    join ledger_account as debit on debit.id = line.debit
    join ledger_account as credit on credit.id = line.credit;

    update ledger_account set balance = balance + change.amount
    from (
        select account, sum(amount)::bigint as amount
        from (
            select account, -amount from unnest(debits, amounts) as line (account, amount)
            union all
            select account, amount from unnest(credits, amounts) as line (account, amount)
        ) as moved (account, amount)
        group by account
    ) as change
    where id = change.account;
end
$$;

-- Post a batch, leaving out what was posted before. Returns the ids that were new.
create function ledger_post(
    ids text[], debits text[], credits text[], amounts bigint[], assets text[], causes text[]
) returns text[] language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    conflict text;
    fresh text[];
begin
    -- Before looking: of two equal batches at once, the second then sees what the first did.
    perform from ledger_account where id in (select unnest(debits || credits))
    order by number for no key update;

    select line.id into conflict
    from unnest(ids, debits, credits, amounts, assets, causes) with ordinality
        as line (id, debit, credit, amount, asset, cause, place)
    join ledger_transfer as posted on posted.id = line.id
    join ledger_account as debit on debit.number = posted.debit
    join ledger_account as credit on credit.number = posted.credit
    where (debit.id, credit.id, posted.amount, debit.asset, posted.cause)
        <> (line.debit, line.credit, line.amount, line.asset, line.cause)
    order by line.place limit 1;
    if conflict is not null then
        raise exception using message = 'conflicting_transfer', detail = conflict;
    end if;

    select coalesce(array_agg(line.id), '{}') into fresh
    from unnest(ids) as line (id)
    where not exists (select from ledger_transfer as posted where posted.id = line.id);
    if cardinality(fresh) = cardinality(ids) then
        perform ledger_apply(ids, debits, credits, amounts, assets, causes);
    elsif cardinality(fresh) > 0 then
        perform ledger_apply(
            array_agg(id), array_agg(debit), array_agg(credit), array_agg(amount),
            array_agg(asset), array_agg(cause)
        )
        from unnest(ids, debits, credits, amounts, assets, causes)
            as line (id, debit, credit, amount, asset, cause)
        where id = any (fresh);
    end if;
    return fresh;
end
$$;

-- --- playback sessions ---------------------------------------------------------------------------

create table playback_session (
    id text collate "C" primary key,
    viewer text not null,
    asset_id text not null,
    payee text not null,
    price_asset text not null,
    price_stroops bigint not null,
    price_seconds integer not null,
    -- Numbers of the ledger accounts that the session moves money between.
    viewer_account bigint not null,
    hold_account bigint not null,
    creator_account bigint not null,
    opened_at timestamptz not null,
    closed_at timestamptz,
    -- One more with each commit: tells a batch that is sent again from a new one, and a process that
    -- took a session over from the one that lost it.
    revision bigint not null default 0,
    drawn bigint not null default 0,
    posted_units bigint not null default 0,
    ticks bigint not null default 0,
    amount bigint not null default 0,
    -- The meter's own notes (covered intervals, pending media). Only the meter reads them.
    state text,
    check (ticks = posted_units / 90000),
    -- The sum of all ticks is exactly the price of the seconds, rounded down once.
    check (amount = div(price_stroops::numeric * ticks, price_seconds)),
    -- What was taken from the viewer and not given back was charged or is held.
    check (drawn >= amount)
) with (fillfactor = 50);
create index playback_session_open on playback_session (viewer) where closed_at is null;
create index playback_session_by_asset on playback_session (asset_id, opened_at);

-- The first time that a session was promised a segment. What it costs follows from the intervals,
-- because a segment may be fetched in parts, and be left and fetched again.
create table delivery (
    session_id text collate "C" not null,
    sequence bigint not null,
    lo bigint not null,
    hi bigint not null check (lo < hi),
    recorded_at timestamptz not null default now(),
    primary key (session_id, sequence)
);
create trigger delivery_immutable before update or delete or truncate on delivery
    for each statement execute function refuse_change();

-- Ticks [first_tick, last_tick) of a session; runs follow each other without gaps.
create table tick_run (
    session_id text collate "C" not null,
    first_tick bigint not null,
    last_tick bigint not null check (first_tick < last_tick),
    amount bigint not null check (amount >= 0),
    recorded_at timestamptz not null default now(),
    primary key (session_id, first_tick)
);
create trigger tick_run_immutable before update or delete or truncate on tick_run
    for each statement execute function refuse_change();

-- How much fetched media a viewer left unwatched, unbilled, in the running hour.
create table viewer_allowance (
    viewer text collate "C" primary key,
    window_started_at timestamptz not null,
    used_units bigint not null
) with (fillfactor = 50);

-- Refuse to leave an account short.
create function ledger_short(account text) returns bigint language plpgsql as $$
begin
    raise exception using message = 'would_overdraw', detail = account;
end
$$;

-- Commit what the meter decided about many sessions: one statement, one round trip, all or nothing.
-- Returns false when the same batch was committed before.
--
-- For each session: its new revision; what it drew from the viewer into the hold (below zero: gave
-- back) and charged from there to the creator since the last one, beginning with which tick; and its
-- new state. The transfers are those of `transfers_for` in metering/session.py; they are made here,
-- where the numbers of the accounts are.
create function metering_commit(
    session_ids text[], revisions bigint[], drawn_changes bigint[], charges bigint[],
    first_ticks bigint[], posted_totals bigint[], states text[],
    ended_sessions text[], closing_times timestamptz[],
    served_sessions text[], sequences bigint[], los bigint[], his bigint[],
    viewers text[], window_starts timestamptz[], used_totals bigint[]
) returns boolean language plpgsql
-- Plans are made once, and every row of a batch finds its rows by their keys, however many others
-- there are: a plan made for a small table would go on reading it whole when it has grown.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    changed bigint;
    astray text;
begin
    with line as materialized (
        update playback_session as kept set
            revision = new.revision,
            drawn = kept.drawn + new.drawn,
            amount = kept.amount + new.charge,
            ticks = new.posted / 90000,
            posted_units = new.posted,
            state = new.state
        from unnest(
            session_ids, revisions, drawn_changes, charges, first_ticks, posted_totals, states
        ) as new (id, revision, drawn, charge, first_tick, posted, state)
        -- num_nulls: not to be looked up in the index of open sessions.
        where kept.id = new.id and kept.revision = new.revision - 1
            and kept.ticks = new.first_tick and num_nulls(kept.closed_at) = 1
        returning kept.id, kept.revision, kept.ticks, new.first_tick, new.charge,
            new.drawn as drawn_change, viewer_account, hold_account, creator_account
    ), run as (
        insert into tick_run (session_id, first_tick, last_tick, amount)
        select id, first_tick, ticks, charge from line where first_tick < ticks
    ), promise as (
        insert into delivery (session_id, sequence, lo, hi)
        select * from unnest(served_sessions, sequences, los, his)
            as served (session_id, sequence, lo, hi)
        where not exists (
            select from delivery as before
            where before.session_id = served.session_id and before.sequence = served.sequence
        )
    ), entry as (
        insert into ledger_transfer (id, debit, credit, amount, cause)
        select line.id || ':' || line.revision || ':' || move.cause,
            move.debit, move.credit, move.amount, move.cause
        from line cross join lateral (
            values
                ('hold', viewer_account, hold_account, drawn_change),
                ('void', hold_account, viewer_account, -drawn_change),
                ('post', hold_account, creator_account, charge)
        ) as move (cause, debit, credit, amount)
        where move.amount > 0
    ), moved as (
        -- In the order of their numbers, as `ledger_apply` locks accounts.
        update ledger_account
        set balance = case
            when balance + change.amount < floor then ledger_short(id)
            else balance + change.amount
        end
        from (
            select moved.account, sum(moved.amount)::bigint as amount
            from line cross join lateral (
                values
                    (viewer_account, -drawn_change),
                    (hold_account, drawn_change - charge),
                    (creator_account, charge)
            ) as moved (account, amount)
            where moved.amount <> 0
            group by moved.account
            order by moved.account
        ) as change
        where number = change.account
    )
    select count(*) into changed from line;

    if changed < cardinality(session_ids) then
        -- Sent again, every session is just as the batch says; else somebody else wrote to it.
        select min(new.id) into astray
        from unnest(session_ids, revisions, posted_totals, states)
            as new (id, revision, posted, state)
        left join playback_session as kept on kept.id = new.id
        where (kept.revision, kept.posted_units, kept.state)
            is distinct from (new.revision, new.posted, new.state);
        if changed = 0 and astray is null then
            return false;
        end if;
        raise exception using message = 'books_disagree', detail = coalesce(astray, '');
    end if;

    if cardinality(ended_sessions) > 0 then
        update playback_session as kept set closed_at = ended.closed_at
        from unnest(ended_sessions, closing_times) as ended (id, closed_at)
        where kept.id = ended.id;
    end if;

    if cardinality(viewers) > 0 then
        insert into viewer_allowance (viewer, window_started_at, used_units)
        select * from unnest(viewers, window_starts, used_totals)
        on conflict (viewer) do update
        set window_started_at = excluded.window_started_at, used_units = excluded.used_units;
    end if;
    return true;
end
$$;
