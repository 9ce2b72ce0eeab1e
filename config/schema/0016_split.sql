-- Splits: who shares what content earns.

-- A split is named by a hash of what it says, so that nobody can change what a session began with.
create table split (
    id text collate "C" primary key,
    document text not null,
    made_at timestamptz not null default now()
);
create trigger split_immutable before update or delete or truncate on split
    for each statement execute function refuse_change();

-- Who is in which splits, to be asked what waits for somebody.
create table split_payee (
    account text collate "C" not null,
    split text collate "C" not null references split (id),
    primary key (account, split)
);
create trigger split_payee_immutable before update or delete or truncate on split_payee
    for each statement execute function refuse_change();

-- How a source or an asset is shared from now on: a list of accounts and basis points. Sessions that
-- are open stay with what they began with. An empty list is one that was taken away.
create table split_assignment (
    target text collate "C" primary key,
    shares text not null,
    changed_at timestamptz not null default now()
);

-- How much of what was earned under a split was shared out: each share of this sum is fixed, so
-- nothing else has to be known about what was moved before. It only grows.
create table split_moved (
    split text collate "C" not null references split (id),
    asset text not null,
    moved bigint not null default 0 check (moved >= 0),
    primary key (split, asset)
);
create function split_moved_guard() returns trigger language plpgsql as $$
begin
    if (old.split, old.asset) is distinct from (new.split, new.asset) or new.moved < old.moved then
        raise exception 'what was shared out is not taken back' using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger split_moved_forward before update on split_moved
    for each row execute function split_moved_guard();
create trigger split_moved_kept before delete or truncate on split_moved
    for each statement execute function refuse_change();
