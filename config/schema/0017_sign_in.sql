-- Who may come in through which door, how long they stay, and keys for their programs.

-- Whoever comes in by a wallet or a password needs no token for good; a guest who signs up gives
-- theirs back.
alter table account alter column token_hash drop not null;

create table login_password (
    account text primary key references account (id),
    -- In lower case. It is a name to sign in with: nothing is ever sent there.
    email text collate "C" not null unique,
    -- Argon2id in PHC form, with its salt and costs.
    password text not null,
    changed_at timestamptz not null
);

create table login_wallet (
    -- G..., M..., or G...:memo: what SEP-10 calls the subject.
    subject text collate "C" primary key,
    account text not null references account (id),
    linked_at timestamptz not null
);
create index login_wallet_by_account on login_wallet (account);

-- One browser or program that somebody signed in with.
create table sign_in (
    id text collate "C" primary key,
    account text not null references account (id),
    subject text not null,
    -- Of the wallet that proved to be of there (SEP-10).
    client_domain text,
    device text not null,
    began_at timestamptz not null,
    used_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    -- SHA-256 of the one refresh token that is good. One of ours that is not this one was used before.
    refresh_hash bytea not null
);
create index sign_in_open on sign_in (account, id) where ended_at is null;
create index sign_in_by_expiry on sign_in (expires_at);

-- Transactions of challenges that somebody has signed in with, until their time is over anyway.
create table challenge_spent (
    hash bytea primary key,
    until timestamptz not null
);
create index challenge_spent_by_time on challenge_spent (until);

create table api_key (
    id text collate "C" primary key,
    account text not null references account (id),
    label text not null,
    scopes text[] not null,
    -- HMAC-SHA256 with a key that is not in this database.
    hash bytea not null unique,
    -- Its last letters, to tell it from others.
    hint text not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
create index api_key_good on api_key (account, id) where revoked_at is null;
