-- Settlement: what was promised to the chain, one row per transaction envelope, and its payments.

create table payout_batch (
    id text collate "C" primary key,
    state text not null default 'planned'
        check (state in ('planned', 'signed', 'sent', 'applied', 'failed', 'dead')),
    asset text not null,
    -- The account that pays: its sequence number orders what it sends.
    source text not null,
    fee_max bigint not null check (fee_max > 0),
    created_ms bigint not null,
    sent_ms bigint,
    -- The signed envelope: stored before it is sent first, and never replaced.
    envelope_xdr text,
    envelope_hash text unique,
    sequence bigint,
    max_time bigint,
    signed_ledger bigint,
    -- How it ended.
    applied_ledger bigint,
    fee_charged bigint,
    code text,
    check ((state = 'planned') = (envelope_xdr is null)),
    check ((state in ('applied', 'failed', 'dead')) = (code is not null)),
    check (fee_charged between 0 and fee_max),
    check (num_nulls(envelope_xdr, envelope_hash, sequence, max_time, signed_ledger) in (0, 5))
);

-- One transaction of an account at a time: a second could only wait for its sequence number.
create unique index payout_batch_under_way on payout_batch (source)
    where state in ('planned', 'signed', 'sent');

create table payout (
    id text collate "C" primary key,
    batch text collate "C" not null references payout_batch (id),
    place integer not null,
    creator text not null,
    asset text not null,
    address text not null,
    amount bigint not null check (amount > 0),
    -- What the chain said about this payment, when the batch failed.
    code text,
    unique (batch, place)
);

create index payout_by_creator on payout (creator, asset, id desc);

-- Why a creator with enough to be paid is not paid: the last look of the worker.
create table payout_obstacle (
    creator text not null,
    asset text not null,
    reason text not null,
    noted_at timestamptz not null default now(),
    primary key (creator, asset)
);

create function payout_batch_guard() returns trigger language plpgsql as $$
begin
    if (old.id, old.asset, old.source, old.fee_max, old.created_ms)
        is distinct from (new.id, new.asset, new.source, new.fee_max, new.created_ms)
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
    if not ((old.state = 'planned' and new.state = 'signed')
        or (old.state in ('signed', 'sent') and new.state in ('sent', 'applied', 'failed', 'dead')))
    then
        raise exception 'a batch does not go from % to %', old.state, new.state
            using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;

create trigger payout_batch_forward before update on payout_batch
    for each row execute function payout_batch_guard();
create trigger payout_batch_kept before delete or truncate on payout_batch
    for each statement execute function refuse_change();

create function payout_guard() returns trigger language plpgsql as $$
begin
    if old.code is not null
        or (old.id, old.batch, old.place, old.creator, old.asset, old.address, old.amount)
        is distinct from
        (new.id, new.batch, new.place, new.creator, new.asset, new.address, new.amount)
    then
        raise exception 'a payout is not changed' using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;

create trigger payout_judged_once before update on payout
    for each row execute function payout_guard();
create trigger payout_kept before delete or truncate on payout
    for each statement execute function refuse_change();
