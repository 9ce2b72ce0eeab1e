-- A segment may be promised in parts, over several commits: one row for each of these, which says
-- from the first to the last part of it what was promised. `revision` is the session's that it was
-- promised with; 0 in rows that are older than this, whose segments were promised whole.
alter table delivery add column revision bigint not null default 0;
alter table delivery alter column revision drop default;
alter table delivery drop constraint delivery_pkey;
alter table delivery add primary key (session_id, sequence, revision);

drop function metering_commit(
    text[], bigint[], bigint[], bigint[], bigint[], bigint[], text[],
    text[], timestamptz[],
    text[], bigint[], bigint[], bigint[],
    text[], timestamptz[], bigint[]
);

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
    served_sessions text[], served_revisions bigint[], sequences bigint[], los bigint[],
    his bigint[],
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
        insert into delivery (session_id, revision, sequence, lo, hi)
        select * from unnest(served_sessions, served_revisions, sequences, los, his)
            as served (session_id, revision, sequence, lo, hi)
        -- Sent again, they are there.
        where not exists (
            select from delivery as before
            where before.session_id = served.session_id and before.sequence = served.sequence
                and before.revision = served.revision
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
