-- Uploads: files on their way in, and what they hold of their owner's quota.

create table upload (
    id text primary key,
    owner text not null references account (id),
    -- Given out before the asset exists, which is once the file is complete.
    asset_id text not null unique,
    -- Declared when it was created, and reserved from then on. How much of it has come is told by
    -- the file alone.
    size bigint not null check (size >= 0),
    title text not null,
    filename text not null,
    -- As the client sent it, to be sent back.
    metadata text not null,
    price_stroops bigint not null check (price_stroops >= 0),
    price_seconds integer not null check (price_seconds > 0),
    price_asset text not null,
    -- False for a form's file: whoever sends it cannot come back to it.
    resumable boolean not null,
    state text not null check (state in ('receiving', 'received', 'accepted', 'discarded')),
    created_at timestamptz not null,
    expires_at timestamptz not null
);

create index upload_by_owner on upload (owner);
