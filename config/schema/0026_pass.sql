-- Passes: who paid once to watch something for some hours, and whose the price was.

create table pass (
    id text collate "C" primary key,
    account text not null references account (id),
    -- What it was bought for, which may be gone by now; and the source that sent it, if one did.
    content text collate "C" not null,
    source text collate "C",
    hours integer not null check (hours > 0),
    asset text not null,
    price bigint not null check (price > 0),
    -- The platform's part. The others' are in `pass_part`, and are what the split says.
    fee bigint not null check (fee between 0 and price),
    split text collate "C" not null references split (id),
    began timestamptz not null,
    ends timestamptz not null,
    check (extract(epoch from ends - began) = hours * 3600)
);
create index pass_by_account on pass (account, ends desc, id desc);
create trigger pass_immutable before update or delete or truncate on pass
    for each statement execute function refuse_change();

create table pass_part (
    pass text collate "C" not null references pass (id),
    account text collate "C" not null,
    asset text not null,
    amount bigint not null check (amount > 0),
    primary key (pass, account)
);
-- What came of passes for a creator is a sum over this alone.
create index pass_part_by_account on pass_part (account, asset) include (amount);
create trigger pass_part_immutable before update or delete or truncate on pass_part
    for each statement execute function refuse_change();
