-- Which process meters which session. A process holds one lease and renews it; its sessions name it.
-- Whoever takes sessions over deletes the lease that they had, so that nothing of its former holder
-- is committed any more, however late it wakes up.

create table meter_lease (
    -- Grows with each lease and is never used again.
    fence bigint generated always as identity primary key,
    -- Processes of one server (one data directory) follow each other, and never run side by side.
    server text not null,
    -- Where viewers reach it; empty where it was not told.
    url text not null,
    -- By this database's clock, whatever the holder's says. '-infinity': given back.
    until timestamptz not null
);

-- Closed ones of before have 0, which is no lease; open ones are taken up by whoever comes first.
alter table playback_session add column fence bigint not null default 0;
alter table playback_session alter column fence drop default;
with before as (
    insert into meter_lease (server, url, until)
    select '', '', '-infinity' where exists (select from playback_session where closed_at is null)
    returning fence
)
update playback_session set fence = before.fence from before where closed_at is null;

-- Pass when a lease was not taken over, and see to it that it is not until this transaction ends:
-- deleting a lease waits for those who hold this lock. Whether its time is over does not matter as
-- long as nobody else has taken it.
create function meter_lease_held(asked bigint) returns boolean language plpgsql as $$
begin
    perform from meter_lease where fence = asked for key share;
    if not found then
        raise exception using message = 'lease_lost', detail = asked;
    end if;
    return true;
end
$$;
