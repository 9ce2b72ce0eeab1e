-- Tariffs: a price and what modifies it. Each is an epoch, which never changes; a session is charged
-- by one at a time, and what it was charged is checked to be exactly what that comes to.

create table price_epoch (
    -- What sessions and runs of ticks refer to.
    number bigint generated always as identity primary key,
    -- `epc_` and a hash of the content: see `Tariff.id`.
    id text collate "C" not null unique,
    asset text not null,
    price_stroops bigint not null check (price_stroops >= 0),
    price_seconds integer not null check (price_seconds > 0),
    view_stroops bigint not null check (view_stroops >= 0),
    free_seconds integer not null check (free_seconds >= 0),
    session_cap bigint check (session_cap >= 0),
    -- Surcharges: from how many lines on, stroops for seconds. Null where there are none.
    rung_heights integer[],
    rung_stroops bigint[],
    rung_seconds integer[],
    recorded_at timestamptz not null default now(),
    check (num_nulls(rung_heights, rung_stroops, rung_seconds) in (0, 3))
);
create trigger price_epoch_immutable before update or delete or truncate on price_epoch
    for each statement execute function refuse_change();

-- Every price that a session had until now, as the tariff that it is.
insert into price_epoch (id, asset, price_stroops, price_seconds, view_stroops, free_seconds)
select 'epc_' || (
        select string_agg(substr('abcdefghijklmnopqrstuvwxyz234567',
            1 + substring(digest from 1 + 5 * place for 5)::bit(5)::integer, 1), '' order by place)
        from generate_series(0, 25) as place
    ), price_asset, price_stroops, price_seconds, 0, 0
from (
    select price_asset, price_stroops, price_seconds, ('x' || encode(sha256(convert_to(format(
        '{"asset":"%s","freeSeconds":0,"price":{"seconds":%s,"stroops":%s},"rungs":[],"sessionCap":null,"viewStroops":0}',
        price_asset, price_seconds, price_stroops), 'UTF8')), 'hex'))::bit(256) as digest
    from (select distinct price_asset, price_stroops, price_seconds from playback_session) as price
) as hashed;

-- What a number of seconds costs at each rung, beyond those that were there `since`; the first
-- `free` ones of each cost nothing. Rounded down for each.
create function tariff_rungs_due(
    stroops bigint[], per integer[], since bigint[], seconds bigint[], free integer
) returns numeric language sql immutable
return (
    select coalesce(sum(div(
        rung.stroops::numeric
            * (greatest(rung.seconds, free) - greatest(coalesce(rung.since, 0), free)),
        rung.per
    )), 0)
    from unnest(stroops, per, since, seconds) as rung (stroops, per, since, seconds)
);

alter table playback_session
    -- Copies of the epoch's, for the check below.
    add column epoch bigint,
    add column view_stroops bigint not null default 0,
    add column free_seconds integer not null default 0,
    add column cap bigint,
    add column rung_stroops bigint[],
    add column rung_seconds integer[],
    -- Seconds that were charged at each rung; null when the tariff has none.
    add column rung_ticks bigint[],
    -- Where the epoch began: after how many ticks, at each rung as well, and what they had cost.
    add column since_ticks bigint not null default 0,
    add column since_rungs bigint[],
    add column paid bigint not null default 0;
update playback_session as kept set epoch = price_epoch.number
from price_epoch
where (price_epoch.asset, price_epoch.price_stroops, price_epoch.price_seconds)
    = (kept.price_asset, kept.price_stroops, kept.price_seconds);
alter table playback_session alter column epoch set not null;

alter table playback_session drop constraint playback_session_check1;
alter table playback_session add constraint playback_session_amount check (
    case
        -- Nearly all sessions have one price and nothing else.
        when since_ticks = 0 and paid = 0 and free_seconds = 0 and view_stroops = 0
            and num_nulls(cap, rung_ticks) = 2
        then amount = div(price_stroops::numeric * ticks, price_seconds)
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

-- What a viewer spent on some content since some time.
create index playback_session_of_viewer on playback_session (viewer, asset_id, opened_at);

-- A run may have no ticks: better pictures of what was charged before cost something, too. So runs
-- are told apart by the session's revision; those that are older than this have one below zero.
alter table tick_run
    add column epoch bigint,
    add column revision bigint,
    drop constraint tick_run_pkey,
    drop constraint tick_run_check,
    add constraint tick_run_check
        check (first_tick < last_tick or (first_tick = last_tick and amount > 0));
alter table tick_run disable trigger tick_run_immutable;
update tick_run set epoch = kept.epoch, revision = first_tick - 1000000000000
from playback_session as kept where kept.id = tick_run.session_id;
alter table tick_run enable trigger tick_run_immutable;
alter table tick_run
    alter column epoch set not null,
    alter column revision set not null,
    add primary key (session_id, revision);

-- Content that got another price: what those who watched it then go on at, and from when on if it is
-- higher; and who of them agreed to it.
create table price_change (
    asset_id text collate "C" not null,
    number bigint generated always as identity,
    epoch bigint not null references price_epoch (number),
    announced_at timestamptz not null,
    effective_at timestamptz not null,
    primary key (asset_id, number)
);
create trigger price_change_immutable before update or delete or truncate on price_change
    for each statement execute function refuse_change();

create table price_consent (
    session_id text collate "C" not null,
    -- The id of the tariff that was agreed to.
    epoch text collate "C" not null,
    given_at timestamptz not null,
    primary key (session_id, epoch)
);
create trigger price_consent_immutable before update or delete or truncate on price_consent
    for each statement execute function refuse_change();

-- What sources and assets are offered for besides their price: JSON of api/catalogue.
alter table source add column price_more text not null default '{}';
alter table asset add column price_more text not null default '{}';

drop function metering_commit(
    text[], bigint[], bigint[], bigint[], bigint[], bigint[], text[],
    text[], timestamptz[],
    text[], bigint[], bigint[], bigint[], bigint[],
    text[], timestamptz[], bigint[]
);

-- Commit what the meter decided about many sessions: one statement, one round trip, all or nothing.
-- Returns false when the same batch was committed before.
--
-- For each session: its new revision; what it drew from the viewer into the hold (below zero: gave
-- back) and charged from there to the creator since the last one, beginning with which tick; how many
-- seconds were charged at each rung of its tariff (an array as text; empty or null for none); and
-- its new state. Before that, `repriced` sessions get another tariff: all that is charged now is
-- charged under that. The transfers are those of `transfers_for` in metering/session.py; they are made here,
-- where the numbers of the accounts are.
create function metering_commit(
    session_ids text[], revisions bigint[], drawn_changes bigint[], charges bigint[],
    first_ticks bigint[], posted_totals bigint[], states text[],
    ended_sessions text[], closing_times timestamptz[],
    served_sessions text[], served_revisions bigint[], sequences bigint[], los bigint[],
    his bigint[],
    viewers text[], window_starts timestamptz[], used_totals bigint[],
    rungs text[], repriced_sessions text[], repriced_revisions bigint[], epochs text[],
    rungs_before text[]
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
            rungs
        ) as new (id, revision, drawn, charge, first_tick, posted, state, rungs)
        -- num_nulls: not to be looked up in the index of open sessions.
        where kept.id = new.id and kept.revision = new.revision - 1
            and kept.ticks = new.first_tick and num_nulls(kept.closed_at) = 1
        returning kept.id, kept.revision, kept.ticks, kept.epoch, new.first_tick, new.charge,
            new.drawn as drawn_change, viewer_account, hold_account, creator_account
    ), run as (
        insert into tick_run (session_id, revision, epoch, first_tick, last_tick, amount)
        select id, revision, epoch, first_tick, ticks, charge
        from line where first_tick < ticks or charge > 0
    ), promise as (
        insert into delivery (session_id, revision, sequence, lo, hi)
        select * from unnest(served_sessions, served_revisions, sequences, los, his)
            as served (session_id, revision, sequence, lo, hi)
        -- Sent again, no session changes, and they are there. (Looking for each of them would open
        -- all parts that `delivery` has.)
        where exists (select from line)
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
