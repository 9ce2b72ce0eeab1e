-- Payments that were presented over HTTP (x402), and the transactions that carry them.

-- One row for each transaction, stored before it is sent first. What it pays is credited when it
-- comes in, as every deposit is: here is kept only what answers a client that asks again.
create table top_up (
    id text collate "C" primary key,
    account text collate "C" not null references account (id),
    -- Who agreed to pay, and the nonce of that: the network takes it once.
    payer text not null,
    nonce bigint not null,
    asset text not null,
    amount bigint not null check (amount > 0),
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
-- Used up, or about to be. What failed or was never applied left the nonce unused.
create unique index top_up_agreement on top_up (payer, nonce)
    where state in ('signed', 'sent', 'applied');
-- One transaction of an account at a time: a second could only wait for its sequence number.
create unique index top_up_under_way on top_up (source) where state in ('signed', 'sent');
create index top_up_recent on top_up (source, created_ms);

create function top_up_guard() returns trigger language plpgsql as $$
begin
    if (old.id, old.account, old.payer, old.nonce, old.asset, old.amount, old.created_ms,
            old.source, old.envelope_xdr, old.envelope_hash, old.sequence, old.max_time,
            old.signed_ledger, old.fee_max)
        is distinct from
        (new.id, new.account, new.payer, new.nonce, new.asset, new.amount, new.created_ms,
            new.source, new.envelope_xdr, new.envelope_hash, new.sequence, new.max_time,
            new.signed_ledger, new.fee_max)
        or old.code is not null
    then
        raise exception 'a signed top-up is not changed' using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger top_up_forward before update on top_up
    for each row execute function top_up_guard();
create trigger top_up_kept before delete or truncate on top_up
    for each statement execute function refuse_change();
