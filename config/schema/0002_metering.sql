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
-- first, in the order of their names, so that two batches never wait for each other in a circle.
create function ledger_apply(
    ids text[], debits text[], credits text[], amounts bigint[], assets text[], causes text[]
) returns void language plpgsql as $$
declare
    refusal text;
begin
    with change as materialized (
        select account, sum(amount)::bigint as amount, min(asset) as asset, max(asset) as other
        from (
            select account, -amount, asset
            from unnest(debits, amounts, assets) as line (account, amount, asset)
            union all
            select account, amount, asset
            from unnest(credits, amounts, assets) as line (account, amount, asset)
        ) as moved (account, amount, asset)
        group by account
    ), locked as materialized (
        select id, asset, floor, balance from ledger_account
        where id in (select account from change)
        order by id for no key update
    )
    select coalesce(
        'unknown_account ' || min(change.account) filter (where locked.id is null),
        'asset_mismatch ' || min(change.account)
            filter (where locked.asset <> change.asset or locked.asset <> change.other),
        'would_overdraw ' || min(change.account)
            filter (where locked.balance + change.amount < locked.floor)
    )
    into refusal
    from change left join locked on locked.id = change.account;
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
) returns text[] language plpgsql as $$
declare
    conflict text;
    fresh text[];
begin
    -- Before looking: of two equal batches at once, the second then sees what the first did.
    perform from ledger_account where id in (select unnest(debits || credits))
    order by id for no key update;

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
