-- Committing costs less: what a session is promised, nearly always one segment, is beside all else
-- that is committed of it, and what it does to the books is read out of that in passes, since going
-- over three moves of each session costs as much as adding the rows.

drop function metering_commit(
    text[], bigint[], bigint[], bigint[], bigint[], bigint[], text[],
    text[], timestamptz[],
    text[], bigint[], bigint[], bigint[], bigint[],
    text[], timestamptz[], bigint[],
    text[], text[], bigint[], text[], text[]
);

-- Commit what the meter decided about many sessions: one statement, one round trip, all or nothing.
-- Returns false when the same batch was committed before.
--
-- For each session: its new revision; what it drew from the viewer into the hold (below zero: gave
-- back) and charged from there to the creator since the last one, beginning with which tick; its new
-- state; the first segment that it was promised, [lo, hi) of it (both zero when there is none); and
-- how many seconds were charged at each rung of its tariff (an array as text; empty or null for
-- none). `more_`: further segments that sessions were promised. Before all that, `repriced` sessions
-- get another tariff: all that is charged now is charged under that. The transfers are those of
-- `transfers_for` in metering/session.py; they are made here, where the numbers of the accounts are.
create function metering_commit(
    session_ids text[], revisions bigint[], drawn_changes bigint[], charges bigint[],
    first_ticks bigint[], posted_totals bigint[], states text[],
    sequences bigint[], los bigint[], his bigint[], rungs text[],
    more_sessions text[], more_revisions bigint[], more_sequences bigint[], more_los bigint[],
    more_his bigint[],
    ended_sessions text[], closing_times timestamptz[],
    viewers text[], window_starts timestamptz[], used_totals bigint[],
    repriced_sessions text[], repriced_revisions bigint[], epochs text[], rungs_before text[]
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
    if cardinality(repriced_sessions) > 0 then
        update playback_session as kept set
            epoch = other.number,
            price_stroops = other.price_stroops,
            price_seconds = other.price_seconds,
            view_stroops = other.view_stroops,
            free_seconds = other.free_seconds,
            cap = other.session_cap,
            rung_stroops = other.rung_stroops,
            rung_seconds = other.rung_seconds,
            rung_ticks = new.since_rungs::bigint[],
            since_rungs = new.since_rungs::bigint[],
            since_ticks = kept.ticks,
            paid = kept.amount
        from unnest(repriced_sessions, repriced_revisions, epochs, rungs_before)
            as new (id, revision, epoch, since_rungs)
        join price_epoch as other on other.id = new.epoch
        -- A session's currency is that of its accounts.
        where kept.id = new.id and kept.revision = new.revision - 1
            and kept.price_asset = other.asset and num_nulls(kept.closed_at) = 1;
    end if;

    with line as materialized (
        update playback_session as kept set
            revision = new.revision,
            drawn = kept.drawn + new.drawn,
            amount = kept.amount + new.charge,
            ticks = new.posted / 90000,
            posted_units = new.posted,
            rung_ticks = nullif(new.rungs, '')::bigint[],
            state = new.state
        from unnest(
            session_ids, revisions, drawn_changes, charges, first_ticks, posted_totals, states,
            sequences, los, his, rungs
        ) as new (id, revision, drawn, charge, first_tick, posted, state, sequence, lo, hi, rungs)
        -- num_nulls: not to be looked up in the index of open sessions.
        where kept.id = new.id and kept.revision = new.revision - 1
            and kept.ticks = new.first_tick and num_nulls(kept.closed_at) = 1
        returning kept.id, kept.revision, kept.ticks, kept.epoch, new.first_tick, new.charge,
            new.drawn as drawn_change, viewer_account, hold_account, creator_account,
            new.sequence, new.lo, new.hi
    ), run as (
        insert into tick_run (session_id, revision, epoch, first_tick, last_tick, amount)
        select id, revision, epoch, first_tick, ticks, charge
        from line where first_tick < ticks or charge > 0
    ), promise as (
        insert into delivery (session_id, revision, sequence, lo, hi)
        select id, revision, sequence, lo, hi from line where lo < hi
    ), entry as (
        insert into ledger_transfer (id, debit, credit, amount, cause)
        select id || ':' || revision || ':hold', viewer_account, hold_account, drawn_change, 'hold'
        from line where drawn_change > 0
        union all
        select id || ':' || revision || ':void', hold_account, viewer_account, -drawn_change, 'void'
        from line where drawn_change < 0
        union all
        select id || ':' || revision || ':post', hold_account, creator_account, charge, 'post'
        from line where charge > 0
    ), moved as (
        -- In the order of their numbers, as `ledger_apply` locks accounts.
        update ledger_account
        set balance = case
            when balance + change.amount < floor then ledger_short(id)
            else balance + change.amount
        end
        from (
            select account, sum(moved.amount)::bigint as amount
            from (
                select viewer_account, -drawn_change from line where drawn_change <> 0
                union all
                select hold_account, drawn_change - charge from line where drawn_change <> charge
                union all
                select creator_account, charge from line where charge > 0
            ) as moved (account, amount)
            group by account
            order by account
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

    if cardinality(more_sessions) > 0 then
        insert into delivery (session_id, revision, sequence, lo, hi)
        select * from unnest(more_sessions, more_revisions, more_sequences, more_los, more_his);
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
