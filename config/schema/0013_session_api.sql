-- Keys of requests that move money, with what was answered to them; and who may watch how much at
-- once.

create table idempotency_key (
    account text collate "C" not null,
    -- Method and path: the same key on another route is another request.
    route text collate "C" not null,
    key text collate "C" not null,
    -- SHA-256 of method, route and body.
    fingerprint bytea not null,
    -- Kept before anything is done: the ids of what the request makes are made of these and
    -- `created_at`, so that a second attempt makes the same ones.
    entropy bytea not null check (octet_length(entropy) = 10),
    created_at timestamptz not null,
    attempt integer not null default 1,
    -- Until then somebody works on it; later that process is taken for dead.
    locked_until timestamptz not null,
    -- JSON; null as long as nothing was done that could be answered.
    answer text,
    primary key (account, route, key)
);
create index idempotency_key_by_age on idempotency_key (created_at);

-- Who has another tier than the free one.
create table account_tier (
    account text primary key references account (id),
    tier text not null check (tier in ('bronze', 'silver', 'gold'))
);
