-- Several stream keys a source, each with limits of its own; what a source does when its publisher
-- goes, and when a second one comes.

create table stream_key (
    id text primary key,
    source_id text not null references source (id),
    label text not null,
    -- SHA-256 of a 160-bit random key.
    hash bytea not null unique,
    is_main boolean not null,
    created_at timestamptz not null,
    -- Null for never.
    expires_at timestamptz,
    -- What was let in with it ends at that moment as well.
    ends_publication boolean not null,
    -- Bits a second, 0 for as many as somebody likes.
    bitrate_max bigint not null check (bitrate_max >= 0),
    -- Networks (CIDR) from which it is good; empty for from everywhere.
    addresses text[] not null,
    last_used_at timestamptz
);

create index stream_key_by_source on stream_key (source_id);
create unique index stream_key_main on stream_key (source_id) where is_main;

insert into stream_key (id, source_id, label, hash, is_main, created_at, ends_publication,
    bitrate_max, addresses)
select 'key_' || substr(id, 5), id, 'main', key_hash, true, created_at, false, 0, '{}' from source;

alter table source
    drop column key_hash,
    add column reconnect_seconds integer not null default 60
        check (reconnect_seconds between 0 and 1800),
    add column takeover text not null default 'replace'
        check (takeover in ('reject', 'replace', 'standby'));
