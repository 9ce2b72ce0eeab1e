-- Prepaid money: whose a deposit is, which payments came in, and what viewers take out again.

-- The number that a viewer's deposits carry, as the id of a muxed address or as a memo. Drawn by
-- chance, so that a number that is mistyped is most likely nobody's.
create table deposit_number (
    account text collate "C" primary key,
    number bigint not null unique check (number > 0),
    made_at timestamptz not null default now()
);
create trigger deposit_number_immutable before update or delete or truncate on deposit_number
    for each statement execute function refuse_change();

-- Up to where the payments of an address were read. It moves in the transaction that books them.
create table feed_position (
    network text collate "C" not null,
    address text collate "C" not null,
    cursor text not null,
    -- All payments up to and with this ledger were read.
    ledger bigint not null,
    moved_at timestamptz not null default now(),
    primary key (network, address)
);
create function feed_position_guard() returns trigger language plpgsql as $$
begin
    if (old.network, old.address) is distinct from (new.network, new.address)
        or new.ledger < old.ledger
    then
        raise exception 'a feed is not read backwards' using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger feed_position_forward before update on feed_position
    for each row execute function feed_position_guard();
create trigger feed_position_kept before delete or truncate on feed_position
    for each statement execute function refuse_change();

-- Before payments were read one by one, play money was booked by comparing chain and ledger. What an
-- address had got by then is in the books.
create table feed_origin (
    address text collate "C" primary key,
    ledger bigint not null
);
insert into feed_origin (address, ledger)
select split_part(id, ':', 2), max(split_part(id, ':', 3)::bigint)
from (
    select id from ledger_transfer where id >= 'funding:' and id < 'funding;'
    union all
    select id from ledger_closed_transfer where id >= 'funding:' and id < 'funding;'
) as gift
where id ~ '^funding:G[A-Z2-7]{55}:[0-9]{1,18}$'
group by 1;
create trigger feed_origin_immutable before insert or update or delete or truncate on feed_origin
    for each statement execute function refuse_change();

-- Payments that came in, each once; the transfer of each is `deposit:{network}:{event}`.
create table chain_payment (
    network text collate "C" not null,
    event text collate "C" not null,
    place bigint generated always as identity unique,
    ledger bigint not null,
    closed_at timestamptz not null,
    transaction_hash text not null,
    source text not null,
    destination text not null,
    -- 64 bits without a sign.
    muxed_id numeric(20),
    memo_id numeric(20),
    asset text not null,
    amount bigint not null check (amount > 0),
    kind text not null check (kind in ('deposit', 'suspense', 'gift', 'moved')),
    account text collate "C",
    reason text,
    recorded_at timestamptz not null default now(),
    primary key (network, event),
    check ((kind = 'deposit') = (account is not null)),
    check ((kind = 'suspense') = (reason is not null))
);
create index chain_payment_by_account on chain_payment (account, place desc)
    where account is not null;
create trigger chain_payment_immutable before update or delete or truncate on chain_payment
    for each statement execute function refuse_change();

-- What viewers take out, and what is given back of what came in for nobody. What becomes of one is
-- told by its payments in the outbox, which have its id as `due`.
create table withdrawal (
    id text collate "C" primary key,
    -- Whose money it is; null for what goes back to where it came from.
    owner text collate "C",
    -- The ledger's account that it was taken from, and that has it back when it is refused.
    origin text collate "C" not null,
    asset text not null,
    amount bigint not null check (amount > 0),
    address text not null,
    memo text,
    requested_at timestamptz not null,
    state text not null default 'open' check (state in ('open', 'paid', 'refused')),
    code text,
    check ((state = 'refused') = (code is not null))
);
create index withdrawal_open on withdrawal (asset, id) where state = 'open';
create index withdrawal_by_owner on withdrawal (owner, id desc);
create function withdrawal_guard() returns trigger language plpgsql as $$
begin
    if old.state <> 'open'
        or to_jsonb(old) - 'state' - 'code' is distinct from to_jsonb(new) - 'state' - 'code'
    then
        raise exception 'a withdrawal is not changed' using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger withdrawal_ends_once before update on withdrawal
    for each row execute function withdrawal_guard();
create trigger withdrawal_kept before delete or truncate on withdrawal
    for each statement execute function refuse_change();

-- What the operator decided about money in suspense; open where there is no row, or where what was
-- given back was refused.
create table suspense_decision (
    network text collate "C" not null,
    event text collate "C" not null,
    assigned_to text collate "C",
    withdrawal text collate "C" references withdrawal (id),
    decided_at timestamptz not null default now(),
    primary key (network, event),
    foreign key (network, event) references chain_payment (network, event),
    check (num_nulls(assigned_to, withdrawal) = 1)
);
create index suspense_decision_by_account on suspense_decision (assigned_to)
    where assigned_to is not null;
create function suspense_decision_guard() returns trigger language plpgsql as $$
begin
    if (old.network, old.event) is distinct from (new.network, new.event)
        or not exists (select from withdrawal where id = old.withdrawal and state = 'refused')
    then
        raise exception 'money in suspense is given away once' using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger suspense_decided_once before update on suspense_decision
    for each row execute function suspense_decision_guard();
create trigger suspense_decision_kept before delete or truncate on suspense_decision
    for each statement execute function refuse_change();
