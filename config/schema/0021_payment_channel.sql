-- Payment channels: contracts from which viewers pay by vouchers, and what is collected from them.

create table payment_channel (
    -- The contract's address.
    contract text collate "C" primary key,
    -- The account whose sessions it pays for.
    owner text not null references account (id),
    asset text not null,
    payer text not null,
    key bytea not null check (octet_length(key) = 32),
    waiting_ledgers bigint not null check (waiting_ledgers > 0),
    registered_at timestamptz not null default now(),
    -- Sums since the contract was made: what was put in, signed for (with the signature), paid out.
    deposited bigint not null check (deposited >= 0),
    signed bigint not null default 0 check (signed >= 0),
    signature bytea not null check (octet_length(signature) = 64),
    withdrawn bigint not null default 0 check (withdrawn >= 0),
    state text not null default 'open' check (state in ('open', 'closing', 'closed')),
    -- The ledger from which on the payer may take back what is left.
    closes_at bigint,
    -- When the contract was looked at last, and when it paid last (or was registered).
    seen_at timestamptz not null,
    collected_at timestamptz not null
) with (fillfactor = 50);
create index payment_channel_by_owner on payment_channel (owner, registered_at);
create index payment_channel_unfinished on payment_channel (contract) where state <> 'closed';

-- What was signed only grows, but once: the viewer who closes may sign for what was watched.
create function payment_channel_guard() returns trigger language plpgsql as $$
begin
    if (old.contract, old.owner, old.asset, old.payer, old.key, old.waiting_ledgers, old.registered_at)
        is distinct from
        (new.contract, new.owner, new.asset, new.payer, new.key, new.waiting_ledgers,
            new.registered_at)
    then
        raise exception 'a payment channel is not changed' using errcode = 'restrict_violation';
    end if;
    if new.withdrawn < old.withdrawn
        or (new.signed < old.signed and not (old.state = 'open' and new.state = 'closing'))
    then
        raise exception 'what was signed and paid is not taken back'
            using errcode = 'restrict_violation';
    end if;
    if array_position(array['open', 'closing', 'closed'], new.state)
        < array_position(array['open', 'closing', 'closed'], old.state)
    then
        raise exception 'a payment channel does not go from % to %', old.state, new.state
            using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger payment_channel_forward before update on payment_channel
    for each row execute function payment_channel_guard();
create trigger payment_channel_kept before delete or truncate on payment_channel
    for each statement execute function refuse_change();

-- One row for each transaction that asks a contract to pay, stored before it is sent first.
create table channel_collection (
    id text collate "C" primary key,
    contract text collate "C" not null references payment_channel (contract),
    verb text not null check (verb in ('settle', 'close')),
    -- The voucher that it is for.
    amount bigint not null check (amount >= 0),
    state text not null default 'signed'
        check (state in ('signed', 'sent', 'applied', 'failed', 'dead')),
    created_ms bigint not null,
    sent_ms bigint,
    source text not null,
    envelope_xdr text not null,
    envelope_hash text not null unique,
    sequence bigint not null,
    max_time bigint not null,
    signed_ledger bigint not null,
    fee_max bigint not null check (fee_max > 0),
    applied_ledger bigint,
    fee_charged bigint,
    code text,
    check ((state in ('applied', 'failed', 'dead')) = (code is not null))
);
-- One transaction of an account at a time: a second could only wait for its sequence number.
create unique index channel_collection_under_way on channel_collection (source)
    where state in ('signed', 'sent');
create index channel_collection_by_contract on channel_collection (contract, id desc);

create function channel_collection_guard() returns trigger language plpgsql as $$
begin
    if (old.id, old.contract, old.verb, old.amount, old.created_ms, old.source, old.envelope_xdr,
            old.envelope_hash, old.sequence, old.max_time, old.signed_ledger, old.fee_max)
        is distinct from
        (new.id, new.contract, new.verb, new.amount, new.created_ms, new.source, new.envelope_xdr,
            new.envelope_hash, new.sequence, new.max_time, new.signed_ledger, new.fee_max)
        or old.code is not null
    then
        raise exception 'a signed collection is not changed' using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger channel_collection_forward before update on channel_collection
    for each row execute function channel_collection_guard();
create trigger channel_collection_kept before delete or truncate on channel_collection
    for each statement execute function refuse_change();
