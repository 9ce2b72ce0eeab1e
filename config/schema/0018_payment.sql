-- Payments of a settlement: whose account pays them, what they are for, and which part of the journal
-- they pay. A settlement's bid may be raised, by envelopes that have the signed one in them.

drop trigger payout_judged_once on payout;
alter table payout
    -- The ledger's account that pays, and that has it back when nothing comes of it.
    add column account text collate "C",
    add column kind text not null default 'payout'
        check (kind in ('payout', 'withdrawal', 'channel_open', 'channel_top_up', 'reclaim')),
    -- It becomes a balance that the payee claims.
    add column claimable boolean not null default false,
    -- What whoever asked for it knows it by.
    add column due text collate "C",
    add column memo text,
    -- What was earned between these positions of the journal is paid; both 0 where nobody said so.
    add column earned_after bigint not null default 0,
    add column earned_until bigint not null default 0;
update payout set account = 'creator:' || creator || ':' || asset, due = creator;
alter table payout
    alter column account set not null,
    alter column due set not null,
    alter column kind drop default,
    alter column claimable drop default,
    alter column earned_after drop default,
    alter column earned_until drop default;
-- What a creator was paid last, and what became of what somebody asked for.
create index payout_by_account on payout (account, id desc);
create index payout_by_due on payout (due, id desc);

create or replace function payout_guard() returns trigger language plpgsql as $$
begin
    if old.code is not null
        or to_jsonb(old) - 'code' is distinct from to_jsonb(new) - 'code'
    then
        raise exception 'a payout is not changed' using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger payout_judged_once before update on payout
    for each row execute function payout_guard();

alter table payout_batch
    -- The ledger's account that stands for what the source has on the chain.
    add column fee_account text collate "C" not null default 'chain:hot:XLM',
    -- In which form the memo names the payments.
    add column statement smallint not null default 1 check (statement in (1, 2)),
    -- Number and hash of the journal's last seal then.
    add column sealed text not null default '';
alter table payout_batch
    alter column fee_account drop default,
    alter column statement drop default,
    alter column sealed drop default;
create index payout_batch_by_age on payout_batch (created_ms);

-- The bids after the first one. Each has the signed transaction in it, as it is.
create table payout_bump (
    batch text collate "C" not null references payout_batch (id),
    number smallint not null check (number > 0),
    envelope_xdr text not null,
    envelope_hash text not null unique,
    fee bigint not null check (fee > 0),
    signed_ledger bigint not null,
    primary key (batch, number)
);
create trigger payout_bump_immutable before update or delete or truncate on payout_bump
    for each statement execute function refuse_change();

-- A higher bid may be charged, and who signs may refuse to: then nothing was ever sent.
do $$
declare
    rule name;
begin
    for rule in
        select conname from pg_constraint
        where conrelid = 'payout_batch'::regclass and contype = 'c'
            and (pg_get_constraintdef(oid) like '%fee_charged%fee_max%'
                or pg_get_constraintdef(oid) like '%planned%envelope_xdr IS NULL%')
    loop
        execute format('alter table payout_batch drop constraint %I', rule);
    end loop;
end
$$;
alter table payout_batch
    add constraint payout_batch_charged check (fee_charged >= 0),
    add constraint payout_batch_signed check (
        (envelope_xdr is null) = (state = 'planned' or state = 'dead' and sequence is null)
    );

create or replace function payout_batch_guard() returns trigger language plpgsql as $$
begin
    if (old.id, old.asset, old.source, old.fee_max, old.created_ms, old.fee_account, old.statement,
            old.sealed)
        is distinct from
        (new.id, new.asset, new.source, new.fee_max, new.created_ms, new.fee_account, new.statement,
            new.sealed)
    then
        raise exception 'a planned batch is not changed' using errcode = 'restrict_violation';
    end if;
    if old.envelope_xdr is not null and
        (old.envelope_xdr, old.envelope_hash, old.sequence, old.max_time, old.signed_ledger)
        is distinct from
        (new.envelope_xdr, new.envelope_hash, new.sequence, new.max_time, new.signed_ledger)
    then
        raise exception 'a signed envelope is not changed' using errcode = 'restrict_violation';
    end if;
    if not ((old.state = 'planned' and new.state in ('signed', 'dead'))
        or (old.state in ('signed', 'sent') and new.state in ('sent', 'applied', 'failed', 'dead')))
    then
        raise exception 'a batch does not go from % to %', old.state, new.state
            using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
