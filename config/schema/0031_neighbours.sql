-- Servers on one database notice when another one ends without a word, and know who has what is live.

alter table meter_lease
    -- While it is attended by its process: that holds the advisory lock of this number over a
    -- connection of its own, which ends with it. Null: nobody says so, and `until` counts alone.
    add column mark integer,
    -- Since when that lock was found free, and nothing was heard of its holder. It renews, or comes
    -- back, or somebody gives the lease back in its name.
    add column missed_at timestamptz;

-- Which server a broadcast comes in at, and is packaged; null: it began before there were several.
alter table asset add column server text;
create index asset_live on asset (started_at) where state = 'live';

-- The account that money is paid from, on each network, and the server that was first with it: one
-- that has another key pays nothing. When that server and its key are lost for good, its row is
-- deleted; what lies on the account is lost with it.
create table paying_account (
    network text primary key,
    address text not null,
    server text not null,
    since timestamptz not null default now()
);
