-- What moves while somebody watches is in no index of accounts: four of the ten entries that a segment
-- added to indexes were there, and nobody looks such a transfer up by its account. It is found by its
-- id, which begins with its session's (and in the journal by its position), a session by its accounts.
-- All other transfers are in the indexes `ledger_transfer_other_debit` and `_credit`, as before.

-- Of an account that earns nobody can look its last transfer up any more, so it is kept beside it.
alter table ledger_account
    -- None of the account's transfers is behind this, and all that follow will be: it is where the
    -- last one is, or the last one that was posted with it. For who is paid. What sessions draw from
    -- a viewer and hold is left out: it would change with every segment, and nobody asks.
    add column last_position bigint not null default 0;
update ledger_account as account set last_position = last.position
from ledger_account as same
cross join lateral (
    select greatest(
        (select position from ledger_transfer where debit = same.number
            order by position desc limit 1),
        (select position from ledger_transfer where credit = same.number
            order by position desc limit 1)
    ) as position
) as last
where same.number = account.number and last.position is not null
    and same.id not like 'viewer:%' and same.id not like 'hold:%';

drop index ledger_transfer_by_debit;
drop index ledger_transfer_by_credit;

-- As in 0011, and quicker: it is checked with every segment.
alter table playback_session drop constraint playback_session_amount;
alter table playback_session add constraint playback_session_amount check (
    case
        -- Nearly all sessions have one price and nothing else.
        when since_ticks = 0 and paid = 0 and free_seconds = 0 and view_stroops = 0
            and num_nulls(cap, rung_ticks) = 2
        then case
            -- What cannot be more than 62 bits takes no numeric.
            when price_stroops between 0 and 2147483647 and ticks between 0 and 2147483647
            then amount = price_stroops * ticks / price_seconds
            else amount = div(price_stroops::numeric * ticks, price_seconds)
        end
        -- (`least` leaves out a cap that is null.)
        else amount = greatest(paid, least(cap, paid
            + div(price_stroops::numeric
                * (greatest(ticks, free_seconds) - greatest(since_ticks, free_seconds)),
                price_seconds)
            + case when since_ticks <= free_seconds and free_seconds < ticks
                then view_stroops else 0 end
            + case when rung_ticks is null then 0
                else tariff_rungs_due(
                    rung_stroops, rung_seconds, since_rungs, rung_ticks, free_seconds)
                end
        ))
    end
);

-- Insert transfers, none of which was posted before, and move the balances. All accounts are locked
-- first, in the order of their numbers, so that two batches never wait for each other in a circle.
--
-- What is called a move of a session is not looked for where money comes in and goes out, so it cannot
-- be there: those accounts have no floor.
create or replace function ledger_apply(
    ids text[], debits text[], credits text[], amounts bigint[], assets text[], causes text[]
) returns void language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    refusal text;
begin
    with change as materialized (
        select account, sum(amount)::bigint as amount, min(asset) as first_asset,
            max(asset) as last_asset, bool_or(cause in ('hold', 'void', 'post')) as watched
        from (
            select account, -amount, asset, cause
            from unnest(debits, amounts, assets, causes) as line (account, amount, asset, cause)
            union all
            select account, amount, asset, cause
            from unnest(credits, amounts, assets, causes) as line (account, amount, asset, cause)
        ) as moved (account, amount, asset, cause)
        group by account
    ), locked as materialized (
        select id, balance + amount as balance, floor,
            asset <> first_asset or asset <> last_asset as mismatched,
            watched and num_nulls(floor) = 1 as astray
        from change join ledger_account on id = change.account
        order by number for no key update of ledger_account
    )
    select coalesce(
        'unknown_account ' || (
            select min(account) from change
            where not exists (select from ledger_account where id = account)
        ),
        'asset_mismatch ' || min(id) filter (where mismatched),
        'would_overdraw ' || min(id) filter (where balance < floor),
        'not_of_a_session ' || min(id) filter (where astray)
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

    update ledger_account
    set balance = balance + change.amount, last_position = currval('ledger_position')
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
create or replace function metering_commit(
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
    earners bigint[];
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
        -- (Also refused where there is no floor: no session moves what lies on the chain.)
        set balance = case
            when balance + change.amount >= floor then balance + change.amount
            else ledger_short(id)
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
    select count(*), array_agg(distinct creator_account) filter (where charge > 0)
    into changed, earners from line;

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

    -- They were locked before their transfers were given positions, and are until this is committed:
    -- whoever comes next gets higher ones.
    update ledger_account set last_position = currval('ledger_position')
    where number = any (earners);

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

-- What a session was charged in [since, until). Of one that lies wholly inside that is its sum, which
-- takes two looks: its runs of ticks are of the same moments as its charges. Only of one that lies
-- across an end its transfers are added up. (So is one that began earlier: where its runs have been
-- put away, what is left of them says only when the last one was.)
drop function session_charged(bigint, bigint, boolean, timestamptz, timestamptz);
create function session_charged(
    session text, opened timestamptz, total bigint, ended boolean, since timestamptz,
    until timestamptz
) returns bigint language plpgsql stable as $$
declare
    first timestamptz;
    last timestamptz;
begin
    select recorded_at into first from tick_run
    where session_id = session order by revision limit 1;
    select recorded_at into last from tick_run
    where session_id = session order by revision desc limit 1;
    if first is null or last < since or (opened >= since and first >= until) then
        return 0;
    elsif ended and opened >= since and first >= since and last < until then
        return total;
    end if;
    return (
        select coalesce(sum(amount), 0) from ledger_transfer
        where id > session || ':' and id < session || ';'
            and cause = 'post' and recorded_at >= since and recorded_at < until
    );
end
$$;
