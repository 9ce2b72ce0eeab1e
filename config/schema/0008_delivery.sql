-- How viewers get segments: directly, each of them billed; or encrypted from any cache, with billed
-- keys. And how far back those of a live may seek.

alter table source
    -- Null for to the beginning, 0 for the window of a plain live playlist.
    add column dvr_seconds integer default 0 check (dvr_seconds between 0 and 86400),
    add column delivery text not null default 'direct'
        check (delivery in ('direct', 'keys', 'keys-cbcs'));

-- Copied from the source or the upload when the asset begins, and never changed.
alter table asset
    add column delivery text not null default 'direct'
        check (delivery in ('direct', 'keys', 'keys-cbcs'));

alter table upload
    add column delivery text not null default 'direct'
        check (delivery in ('direct', 'keys', 'keys-cbcs'));
