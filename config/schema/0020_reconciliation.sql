-- Reconciliation: what the chain shows of our addresses, compared with the journal and the outbox.

-- The chain that the books are about: one for good. A test network that is reset has the same name.
create table known_network (
    only_one boolean primary key default true check (only_one),
    passphrase text not null,
    -- The first ledger that was seen, and the last one, with their hashes where a node told them.
    first_ledger bigint not null,
    first_hash text,
    last_ledger bigint not null,
    last_hash text
);
create function known_network_guard() returns trigger language plpgsql as $$
begin
    if (old.passphrase, old.first_ledger, old.first_hash)
        is distinct from (new.passphrase, new.first_ledger, new.first_hash)
    then
        raise exception 'the books stay with their network' using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger known_network_stays before update on known_network
    for each row execute function known_network_guard();
create trigger known_network_kept before delete or truncate on known_network
    for each statement execute function refuse_change();

-- Every payment that touched one of our addresses, as the chain's feeds told it.
create table chain_movement (
    network text collate "C" not null,
    event text collate "C" not null,
    ledger bigint not null,
    closed_at bigint not null,
    transaction_hash text collate "C" not null,
    source text collate "C" not null,
    destination text collate "C" not null,
    asset text collate "C" not null,
    amount bigint not null,
    primary key (network, event)
);
create index chain_movement_by_ledger on chain_movement (network, ledger);
create index chain_movement_by_transaction on chain_movement (transaction_hash);
create trigger chain_movement_immutable before update or delete or truncate on chain_movement
    for each statement execute function refuse_change();

create index chain_payment_by_ledger on chain_payment (network, ledger);
create index payout_batch_by_ledger on payout_batch (applied_ledger)
    where applied_ledger is not null;

-- Up to where the feed of an address was read for that, and the highest sequence number that the
-- account had when it was looked at first, or that somebody accepted.
create table reconciliation_address (
    network text collate "C" not null,
    address text collate "C" not null,
    cursor text not null,
    ledger bigint not null,
    sequence bigint not null,
    primary key (network, address)
);

-- Up to which ledger everything was compared and found right, but for what is listed below.
create table reconciliation_progress (
    network text collate "C" primary key,
    ledger bigint not null,
    -- Up to which position of the journal entries about the chain were explained.
    position bigint not null
);

-- What differs, or did. It is over when a later look finds it right, or when somebody accepts it.
create table reconciliation_difference (
    network text collate "C" not null,
    key text collate "C" not null,
    kind text not null check (
        kind in ('missing_on_chain', 'missing_in_ledger', 'amount', 'late', 'suspense')
    ),
    ledger bigint not null,
    document text not null,
    found_at timestamptz not null,
    over_at timestamptz,
    -- Who said that it is known and dealt with; then it does not count when it is found again.
    accepted_by text,
    primary key (network, key)
);
create index reconciliation_difference_open on reconciliation_difference (network)
    where over_at is null;
create trigger reconciliation_difference_kept before delete or truncate on reconciliation_difference
    for each statement execute function refuse_change();

-- One report a day; that of a day that is over does not change any more.
create table reconciliation_report (
    network text collate "C" not null,
    day date not null,
    document text not null,
    final boolean not null,
    made_at timestamptz not null,
    primary key (network, day)
);
create function reconciliation_report_guard() returns trigger language plpgsql as $$
begin
    if old.final or (old.network, old.day) is distinct from (new.network, new.day) then
        raise exception 'the report of a day that is over is not changed'
            using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger reconciliation_report_final before update on reconciliation_report
    for each row execute function reconciliation_report_guard();
create trigger reconciliation_report_kept before delete or truncate on reconciliation_report
    for each statement execute function refuse_change();
