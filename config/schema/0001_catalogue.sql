-- Accounts, sources and assets: who owns what, and what can be watched.

create table account (
    id text primary key,
    kind text not null check (kind in ('guest', 'creator')),
    display_name text not null,
    -- SHA-256 of a 160-bit random token: no salt is needed for a secret nobody can guess.
    token_hash bytea not null unique,
    stellar_address text,
    created_at timestamptz not null
);

create table source (
    id text primary key,
    owner text not null references account (id),
    name text not null unique,
    title text not null,
    price_stroops bigint not null check (price_stroops >= 0),
    price_seconds integer not null check (price_seconds > 0),
    price_asset text not null,
    key_hash bytea not null unique,
    created_at timestamptz not null
);

create table asset (
    id text primary key,
    source_id text not null references source (id),
    owner text not null references account (id),
    title text not null,
    state text not null check (state in ('live', 'on_demand')),
    -- Copied from the source when the asset begins, and never changed: a session is pinned to it.
    price_stroops bigint not null check (price_stroops >= 0),
    price_seconds integer not null check (price_seconds > 0),
    price_asset text not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    duration_ms bigint not null default 0
);

create index asset_by_source on asset (source_id, started_at desc);
create index asset_by_start on asset (started_at desc);
