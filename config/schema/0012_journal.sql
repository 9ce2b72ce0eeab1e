-- The journal: transfers in the order of their positions, sealed into a chain of hashes; tables that
-- only grow in parts, of which old ones can be closed; and a role for the server that owns nothing.

-- Parts are made and closed under locks for which nobody may have to wait for long: who waits for one
-- makes all wait that come behind, so after a second it is rather tried again later.

-- --- transfers in parts ---------------------------------------------------------------------------

-- A part has 2^40 positions. The next one is begun with a new month, by moving the sequence to its
-- first position: so position and time sort alike, a part ends where a seal ends, and a position
-- is below 2^53 (exact in JSON) for eight thousand months.
--
-- A position is drawn while the accounts are locked, so that it grows within each account.
create sequence ledger_position;
do $$
begin
    perform setval('ledger_position', coalesce(max(position), 0) + 1, false) from ledger_transfer;
end
$$;

alter table ledger_transfer rename to ledger_transfer_0;
alter table ledger_transfer_0 alter column position drop identity;
alter table ledger_transfer_0 alter column position set default nextval('ledger_position');
alter table ledger_transfer_0 rename constraint ledger_transfer_pkey to ledger_transfer_0_pkey;
alter index ledger_transfer_by_debit rename to ledger_transfer_0_by_debit;
alter index ledger_transfer_by_credit rename to ledger_transfer_0_by_credit;

create table ledger_transfer (
    id text collate "C" not null,
    position bigint not null default nextval('ledger_position'),
    -- Account numbers. No foreign keys: `ledger_apply`, the only writer, takes them from rows that
    -- it has locked, accounts are never deleted, and two more checks a row would cost a third.
    debit bigint not null,
    credit bigint not null,
    amount bigint not null,
    cause text not null,
    recorded_at timestamptz not null default now(),
    constraint ledger_transfer_amount_check check (amount > 0),
    constraint ledger_transfer_check check (debit <> credit),
    unique (position)
) partition by range (position);
create index ledger_transfer_by_debit on ledger_transfer (debit, position);
create index ledger_transfer_by_credit on ledger_transfer (credit, position);

alter table ledger_transfer attach partition ledger_transfer_0
    for values from (minvalue) to (1::bigint << 40);
create trigger ledger_transfer_immutable before update or delete or truncate on ledger_transfer
    for each statement execute function refuse_change();

-- Which parts there are, and which seal closed them. The last one that was begun is written to.
create table ledger_part (
    number bigint primary key,
    begun_at timestamptz not null,
    -- Once it is closed: by which seal, and the SHA-256 of the file with its transfers.
    closing_seal bigint,
    export_hash bytea,
    check (num_nulls(closing_seal, export_hash) in (0, 2))
);
insert into ledger_part (number, begun_at)
select 0, coalesce(min(recorded_at), now()) from ledger_transfer_0;

-- Ids are unique in each part by its own key, and among all of them because `ledger_post` looks into
-- the others, which nobody writes to any more. Of a closed part the ids are kept here, except those
-- of `metering_commit`: a session's revision is used once.
create table ledger_closed_transfer (
    id text collate "C" primary key,
    debit bigint not null,
    credit bigint not null,
    amount bigint not null,
    cause text not null
);
create index ledger_closed_transfer_by_debit on ledger_closed_transfer (debit);
create trigger ledger_closed_transfer_immutable before update or delete or truncate
    on ledger_closed_transfer for each statement execute function refuse_change();

-- Make the part after the last one, if it is not there, to be written to later.
create function ledger_part_ahead() returns void language plpgsql
set lock_timeout = '1s'
as $$
declare
    next bigint := (select max(number) + 1 from ledger_part);
    part text := 'ledger_transfer_' || next;
begin
    perform pg_advisory_xact_lock(hashtext('ledger_part'));
    if to_regclass(part) is not null then
        return;
    end if;
    execute format(
        'create table %I (like ledger_transfer including defaults including constraints
            including indexes, primary key (id))', part);
    execute format(
        'create trigger %I before update or delete or truncate on %I
            for each statement execute function refuse_change()', part || '_immutable', part);
    execute format('alter table ledger_transfer attach partition %I for values from (%s) to (%s)',
        part, next << 40, (next + 1) << 40);
end
$$;

-- Write to the next part from now on, when the month of `at` is a later one than the last part's.
-- Returns its number then.
create function ledger_part_begin(at timestamptz) returns bigint language plpgsql
set lock_timeout = '1s'
as $$
declare
    last ledger_part;
begin
    perform pg_advisory_xact_lock(hashtext('ledger_part'));
    select * into last from ledger_part order by number desc limit 1;
    if date_trunc('month', at, 'UTC') <= date_trunc('month', last.begun_at, 'UTC') then
        return null;
    end if;
    perform ledger_part_ahead();
    insert into ledger_part (number, begun_at) values (last.number + 1, at);
    -- Nobody is writing now, or has looked for ids in the parts before and will write.
    lock table only ledger_transfer in share mode;
    perform setval('ledger_position', (last.number + 1) << 40, false);
    return last.number + 1;
end
$$;

-- As in 0002, except that it looks for ids in all parts, and nobody may begin a new one meanwhile.
create or replace function ledger_post(
    ids text[], debits text[], credits text[], amounts bigint[], assets text[], causes text[]
) returns text[] language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    conflict text;
    fresh text[];
begin
    lock table only ledger_transfer in row exclusive mode;
    -- Before looking: of two equal batches at once, the second then sees what the first did.
    perform from ledger_account where id in (select unnest(debits || credits))
    order by number for no key update;

    select line.id into conflict
    from unnest(ids, debits, credits, amounts, assets, causes) with ordinality
        as line (id, debit, credit, amount, asset, cause, place)
    cross join lateral (
        select debit, credit, amount, cause from ledger_transfer where id = line.id
        union all
        select debit, credit, amount, cause from ledger_closed_transfer where id = line.id
    ) as posted
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
    where not exists (select from ledger_transfer as posted where posted.id = line.id)
        and not exists (select from ledger_closed_transfer as posted where posted.id = line.id);
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

-- --- ticks and deliveries in parts ----------------------------------------------------------------

-- By the session's id, which begins with the time when it was opened: so each row's key is unique
-- over all parts, it is found in one of them, and a session's rows are together. What has an id of
-- another shape, or came before its month's part was made, is in the default part.
create table session_part (
    name text primary key,
    lo text collate "C" not null,
    hi text collate "C" not null unique check (lo < hi),
    -- Once it is closed: by which seal, and the hashes and numbers of rows of its two files.
    closing_seal bigint,
    tick_run_hash bytea,
    tick_run_rows bigint,
    delivery_hash bytea,
    delivery_rows bigint,
    check (num_nulls(closing_seal, tick_run_hash, tick_run_rows, delivery_hash, delivery_rows)
        in (0, 5))
);
insert into session_part (name, lo, hi)
select 'before', '', greatest('ses_' collate "C", max(id) || '!') from (
    select max(session_id) as id from tick_run
    union all
    select max(session_id) from delivery
) as last;

alter table tick_run rename to tick_run_before;
alter table tick_run_before rename constraint tick_run_pkey to tick_run_before_pkey;
create table tick_run (like tick_run_before including all) partition by range (session_id);
alter table delivery rename to delivery_before;
alter table delivery_before rename constraint delivery_pkey to delivery_before_pkey;
create table delivery (like delivery_before including all) partition by range (session_id);
do $$
declare
    bound text := (select hi from session_part);
    name text;
begin
    foreach name in array array['tick_run', 'delivery'] loop
        execute format('alter table %I attach partition %I for values from (minvalue) to (%L)',
            name, name || '_before', bound);
        execute format('create table %I partition of %I default', name || '_default', name);
        execute format('create trigger %I before update or delete or truncate on %I
            for each statement execute function refuse_change()', name || '_immutable', name);
        execute format('create trigger %I before update or delete or truncate on %I
            for each statement execute function refuse_change()',
            name || '_default_immutable', name || '_default');
    end loop;
end
$$;

-- Make the part for sessions whose ids are at least the last part's end and below `bound`.
create function session_part_ahead(part text, bound text) returns void language plpgsql
set lock_timeout = '1s'
as $$
declare
    last text;
    name text;
begin
    perform pg_advisory_xact_lock(hashtext('session_part'));
    select max(hi) into last from session_part;
    if bound collate "C" <= last then
        return;
    end if;
    foreach name in array array['tick_run', 'delivery'] loop
        execute format('create table %I (like %I including all)', name || '_' || part, name);
        execute format('create trigger %I before update or delete or truncate on %I
            for each statement execute function refuse_change()',
            name || '_' || part || '_immutable', name || '_' || part);
        execute format('alter table %I attach partition %I for values from (%L) to (%L)',
            name, name || '_' || part, last, bound);
    end loop;
    insert into session_part (name, lo, hi) values (part, last, bound);
end
$$;

-- --- the chain ------------------------------------------------------------------------------------

-- A link of the chain: what it says of transfers (or of a part that was closed) is in its hash,
-- and so is the hash of the link before it. See metering/ledger/journal.py.
create table journal_seal (
    number bigint primary key,
    kind text not null check (kind in ('transfers', 'closing', 'sessions')),
    first_position bigint not null,
    last_position bigint not null,
    transfers bigint not null check (transfers >= 0),
    content bytea not null check (length(content) = 32),
    sealed_at timestamptz not null,
    previous bytea not null check (length(previous) = 32),
    hash bytea not null unique check (length(hash) = 32),
    -- The first four bytes of each transfer's hash: to name the one that was changed.
    marks bytea not null,
    check (first_position <= last_position)
);
create trigger journal_seal_immutable before update or delete or truncate on journal_seal
    for each statement execute function refuse_change();

-- What accounts held when a part was closed, those of nothing left out.
create table journal_balance (
    seal bigint not null,
    account bigint not null,
    balance bigint not null,
    primary key (seal, account)
);
create trigger journal_balance_immutable before update or delete or truncate on journal_balance
    for each statement execute function refuse_change();

-- The canonical text of a transfer. Written by `json_build_array` just as Python's `json.dumps`
-- writes it with `ensure_ascii=False`.
create function journal_line(
    place bigint, id text, debit text, credit text, amount bigint, asset text, cause text,
    recorded_at timestamptz
) returns text language sql stable parallel safe as $$
    select json_build_array(place, id, debit, credit, amount, asset, cause,
        (extract(epoch from recorded_at) * 1000000)::bigint)::text
$$;

create function journal_link(
    kind text, number bigint, first_position bigint, last_position bigint, transfers bigint,
    content bytea, sealed_at timestamptz, previous bytea
) returns bytea language sql immutable parallel safe as $$
    select sha256(convert_to(json_build_array(kind, number, first_position, last_position, transfers,
        encode(content, 'hex'), (extract(epoch from sealed_at) * 1000000)::bigint,
        encode(previous, 'hex'))::text, 'UTF8'))
$$;

-- The last position below which no transfer will ever appear: for a moment nobody is writing.
-- The lock ends with the statement that calls this, so it is not held while hashes are made; and who
-- waits for it for long would make the writers behind it wait, so it is rather tried again later.
create function journal_horizon() returns bigint language plpgsql
set lock_timeout = '250ms'
as $$
begin
    lock table only ledger_transfer in share mode;
    return (select case when is_called then last_value else last_value - 1 end
        from ledger_position);
end
$$;

-- Seal the transfers that follow the last sealed one, up to a position that `journal_horizon`
-- returned, and at most so many, of one part. Returns nothing when there are none.
create function journal_seal_next(horizon bigint, at timestamptz, transfers_max bigint)
returns setof journal_seal language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    last journal_seal;
    done bigint;
    next bigint;
begin
    perform pg_advisory_xact_lock(hashtext('journal_seal'));
    select * into last from journal_seal order by number desc limit 1;
    select last_position into done from journal_seal
    where kind = 'transfers' order by number desc limit 1;
    select position into next from ledger_transfer
    where position > coalesce(done, 0) and position <= horizon order by position limit 1;
    if next is null then
        return;
    end if;
    return query
    with line as (
        select entry.position, sha256(convert_to(journal_line(entry.position, entry.id, debit.id,
            credit.id, entry.amount, debit.asset, entry.cause, entry.recorded_at), 'UTF8')) as hash
        from (
            select * from ledger_transfer
            where position >= next and position <= least(horizon, (((next >> 40) + 1) << 40) - 1)
            order by position limit transfers_max
        ) as entry
        join ledger_account as debit on debit.number = entry.debit
        join ledger_account as credit on credit.number = entry.credit
        order by entry.position
    ), run as (
        select coalesce(last.number, 0) + 1 as number, min(position) as first_position,
            max(position) as last_position, count(*) as transfers,
            sha256(string_agg(line.hash, ''::bytea)) as content,
            coalesce(last.hash, decode(repeat('00', 32), 'hex')) as previous,
            string_agg(substr(line.hash, 1, 4), ''::bytea) as marks
        from line
    )
    insert into journal_seal
    select number, 'transfers', first_position, last_position, transfers, content, at, previous,
        journal_link('transfers', number, first_position, last_position, transfers, content, at,
            previous),
        marks
    from run
    returning *;
end
$$;

-- --- closing a part -------------------------------------------------------------------------------

-- Take the oldest part out of the ledger, after all of it was sealed and written to a file. What each
-- account held at its end is sealed in its place, and only after that the rows go.
create function ledger_part_close(part bigint, at timestamptz, file_hash bytea, file_transfers bigint)
returns setof journal_seal language plpgsql
set lock_timeout = '1s'
as $$
declare
    name text := 'ledger_transfer_' || part;
    lowest bigint := part << 40;
    highest bigint := ((part + 1) << 40) - 1;
    link bigint;
    before bytea;
    kept bigint;
    sums text;
begin
    perform pg_advisory_xact_lock(hashtext('journal_seal'));
    perform pg_advisory_xact_lock(hashtext('ledger_part'));
    if part is distinct from (select min(number) from ledger_part where closing_seal is null)
        or not exists (select from ledger_part where number = part + 1)
    then
        raise exception 'part % is not the oldest one, or is still written to', part;
    end if;
    execute format('select count(*) from %I', name) into kept;
    if kept <> file_transfers or kept <> (
        select coalesce(sum(transfers), 0) from journal_seal
        where kind = 'transfers' and first_position between lowest and highest
    ) then
        raise exception 'part % has % transfers, not all of which are sealed and in the file',
            part, kept;
    end if;

    select number + 1, hash into link, before from journal_seal order by number desc limit 1;
    link := coalesce(link, 1);
    execute format(
        'insert into journal_balance (seal, account, balance)
        select $1, account, sum(amount) from (
            select account, balance from journal_balance
            where seal = (select closing_seal from ledger_part where number = $2 - 1)
            union all
            select debit, -amount from %1$I
            union all
            select credit, amount from %1$I
        ) as moved (account, amount)
        group by account having sum(amount) <> 0', name) using link, part;
    if exists (
        select from journal_balance join ledger_account on ledger_account.number = account
        where seal = link group by asset having sum(journal_balance.balance) <> 0
    ) then
        raise exception 'the balances at the end of part % do not sum to zero', part;
    end if;
    execute format(
        $insert$insert into ledger_closed_transfer (id, debit, credit, amount, cause)
        select id, debit, credit, amount, cause from %I
        where not (cause in ('hold', 'void', 'post') and id like 'ses\_%%:%%:' || cause)$insert$, name);
    select string_agg(json_build_array(id, asset, journal_balance.balance)::text || E'\n', ''
        order by id) into sums
    from journal_balance join ledger_account on ledger_account.number = account where seal = link;
    update ledger_part set closing_seal = link, export_hash = file_hash where number = part;
    return query
    with closing as (
        select sha256(convert_to(
                json_build_array(encode(file_hash, 'hex'), kept)::text || E'\n' || coalesce(sums, ''),
                'UTF8')) as content,
            coalesce(before, decode(repeat('00', 32), 'hex')) as previous
    )
    insert into journal_seal
    select link, 'closing', lowest, highest, kept, content, at, previous,
        journal_link('closing', link, lowest, highest, kept, content, at, previous), ''
    from closing
    returning *;
    execute format('alter table ledger_transfer detach partition %I', name);
    execute format('drop table %I', name);
end
$$;

-- Replace what is known of the sessions of a part, after all of it was written to two files, by what
-- it comes to: one run of ticks for each tariff, one interval for media without a gap.
create function session_part_close(
    part text, at timestamptz, ticks_hash bytea, ticks bigint, deliveries_hash bytea,
    deliveries bigint
) returns setof journal_seal language plpgsql
set lock_timeout = '1s'
as $$
declare
    bounds session_part;
    link bigint;
    before bytea;
    name text;
    fresh text;
    kept bigint[];
begin
    perform pg_advisory_xact_lock(hashtext('journal_seal'));
    perform pg_advisory_xact_lock(hashtext('session_part'));
    select * into bounds from session_part where session_part.name = part and closing_seal is null;
    if not found
        or exists (select from playback_session
            where id >= bounds.lo and id < bounds.hi and closed_at is null)
        or exists (select from receipt_due
            where session_id >= bounds.lo and session_id < bounds.hi)
    then
        raise exception 'part % has sessions that are not over, or is closed', part;
    end if;
    kept := array[
        (select count(*) from tick_run where session_id >= bounds.lo and session_id < bounds.hi),
        (select count(*) from delivery where session_id >= bounds.lo and session_id < bounds.hi)
    ];
    if kept <> array[ticks, deliveries] then
        raise exception 'part % has % runs and deliveries, not all of which are in the files',
            part, kept;
    end if;

    create table tick_run_fresh (like tick_run including all);
    insert into tick_run_fresh
        (session_id, revision, epoch, first_tick, last_tick, amount, recorded_at)
    select session_id, min(revision), epoch, min(first_tick), max(last_tick), sum(amount),
        max(recorded_at)
    from (
        select *, count(*) filter (where begins) over by_revision as run
        from (
            select *, epoch is distinct from lag(epoch) over by_revision as begins
            from tick_run where session_id >= bounds.lo and session_id < bounds.hi
            window by_revision as (partition by session_id order by revision)
        ) as line
        window by_revision as (partition by session_id order by revision)
    ) as line
    group by session_id, epoch, run;
    create table delivery_fresh (like delivery including all);
    insert into delivery_fresh (session_id, sequence, revision, lo, hi, recorded_at)
    select session_id, (array_agg(sequence order by lo, hi, sequence, revision))[1],
        (array_agg(revision order by lo, hi, sequence, revision))[1], min(lo), max(hi),
        max(recorded_at)
    from (
        select *, count(*) filter (where begins) over by_time as piece
        from (
            select *, lo <= max(hi) over (by_time rows between unbounded preceding and 1 preceding)
                is not true as begins
            from delivery where session_id >= bounds.lo and session_id < bounds.hi
            window by_time as (partition by session_id order by lo, hi, sequence, revision)
        ) as line
        window by_time as (partition by session_id order by lo, hi, sequence, revision)
    ) as line
    group by session_id, piece;

    select number + 1, hash into link, before from journal_seal order by number desc limit 1;
    update session_part set closing_seal = coalesce(link, 1), tick_run_hash = ticks_hash,
        tick_run_rows = ticks, delivery_hash = deliveries_hash, delivery_rows = deliveries
    where session_part.name = part;
    return query
    with closing as (
        select sha256(convert_to(
                json_build_array('tick_run_' || part, encode(ticks_hash, 'hex'), ticks)::text
                    || E'\n' || json_build_array('delivery_' || part,
                        encode(deliveries_hash, 'hex'), deliveries)::text || E'\n',
                'UTF8')) as content,
            coalesce(before, decode(repeat('00', 32), 'hex')) as previous
    )
    insert into journal_seal
    select coalesce(link, 1), 'sessions', 0, 0, 0, content, at, previous,
        journal_link('sessions', coalesce(link, 1), 0, 0, 0, content, at, previous), ''
    from closing
    returning *;

    foreach name in array array['tick_run', 'delivery'] loop
        fresh := name || '_' || part;
        execute format('alter table %I detach partition %I', name, fresh);
        execute format('drop table %I', fresh);
        execute format('alter table %I rename to %I', name || '_fresh', fresh);
        execute format('create trigger %I before update or delete or truncate on %I
            for each statement execute function refuse_change()', fresh || '_immutable', fresh);
        execute format('alter table %I attach partition %I for values from (%s) to (%L)',
            name, fresh, case when bounds.lo = '' then 'minvalue' else quote_literal(bounds.lo) end,
            bounds.hi);
    end loop;
end
$$;

-- --- roles ----------------------------------------------------------------------------------------

-- To which roles was given what they need, and which migration was the last one then.
create table schema_grant (
    role name primary key,
    migration integer not null
);

-- Give the server's role what it needs, and nothing more. It owns nothing: it cannot change or drop
-- tables, triggers or functions. A table whose rows are never changed (`refuse_change`) it can only
-- read and add to; accounts, transfers, ticks and deliveries it cannot even add to, except through
-- the functions below, which take from one account what they give to another.
create function grant_to_server(server name) returns void language plpgsql as $$
declare
    signature text;
    kept record;
begin
    execute format('grant usage on schema %I to %I', current_schema(), server);
    for kept in
        select class.oid::regclass as name,
            coalesce(bool_or(guard.tgtype & 16 <> 0), false) as never_changed,
            coalesce(bool_or(guard.tgtype & 8 <> 0), false) as never_deleted
        from pg_class as class
        left join pg_trigger as guard on guard.tgrelid = class.oid
            and guard.tgfoid = 'refuse_change'::regproc
        where class.relnamespace = current_schema()::regnamespace
            and class.relkind in ('r', 'p') and not class.relispartition
        group by class.oid
    loop
        execute format('revoke all on table %s from %I', kept.name, server);
        execute format('grant select, insert on table %s to %I', kept.name, server);
        if not kept.never_changed then
            execute format('grant update on table %s to %I', kept.name, server);
        end if;
        if not kept.never_deleted then
            execute format('grant delete on table %s to %I', kept.name, server);
        end if;
    end loop;
    execute format('revoke insert, update, delete on ledger_account, ledger_transfer, ledger_part,
        ledger_closed_transfer, journal_seal, journal_balance, delivery, tick_run, session_part,
        schema_migration, schema_grant from %I', server);
    execute format('revoke update on payout, payout_batch from %I', server);
    execute format('grant insert (id, asset, floor) on ledger_account to %I', server);
    execute format('grant update (code) on payout to %I', server);
    execute format('grant update (state, sent_ms, envelope_xdr, envelope_hash, sequence, max_time,
        signed_ledger, applied_ledger, fee_charged, code) on payout_batch to %I', server);
    for signature in
        select oid::regprocedure from pg_proc
        where pronamespace = current_schema()::regnamespace and proname in (
            'ledger_post', 'metering_commit', 'ledger_part_ahead', 'ledger_part_begin',
            'session_part_ahead', 'journal_horizon', 'journal_seal_next')
    loop
        -- They run as their owner, who must not be led to tables of somebody else.
        execute format('alter function %s security definer', signature);
        execute format('alter function %s set search_path = %I, pg_temp',
            signature, current_schema());
        execute format('revoke execute on function %s from public', signature);
        execute format('grant execute on function %s to %I', signature, server);
    end loop;
    insert into schema_grant (role, migration) select server, max(number) from schema_migration
    on conflict (role) do update set migration = excluded.migration;
end
$$;

revoke execute on function grant_to_server(name) from public;
revoke execute on function ledger_part_close(bigint, timestamptz, bytea, bigint) from public;
revoke execute on function session_part_close(text, timestamptz, bytea, bigint, bytea, bigint)
    from public;
