-- Subscriptions: who pays a flat fee, for which months, what that included, and how each month's fees
-- were divided among those who were watched.

create table subscription (
    id text collate "C" primary key,
    account text not null references account (id),
    state text not null check (state in ('trial', 'active', 'grace', 'ended')),
    -- What the month under way is, and what the next one will be; null where it ends with this one.
    plan jsonb not null,
    next_plan jsonb,
    anchor timestamptz not null,
    month integer not null check (month >= 0),
    began timestamptz not null,
    ends timestamptz not null,
    -- Why it is no more.
    end_reason text,
    -- When to look at it next, unless money comes before.
    due_at timestamptz not null,
    -- One more with each change: tells a look that came too late.
    revision bigint not null default 0,
    check (began < ends),
    check ((state = 'ended') = (end_reason is not null))
);
create unique index subscription_current on subscription (account) where state <> 'ended';
create index subscription_due on subscription (due_at) where state <> 'ended';
create index subscription_by_account on subscription (account, id desc);

-- Months that were paid. Fees that are divided together have one pool.
create table subscription_month (
    subscription text collate "C" not null references subscription (id),
    month integer not null,
    pool text collate "C" not null,
    asset text not null,
    fee bigint not null check (fee > 0),
    began timestamptz not null,
    ends timestamptz not null,
    primary key (subscription, month)
);
create index subscription_month_by_pool on subscription_month (pool);
create trigger subscription_month_immutable before update or delete or truncate
    on subscription_month for each statement execute function refuse_change();

-- Sessions that began with seconds of a month, and with how many.
create table subscription_session (
    session_id text collate "C" primary key,
    subscription text collate "C" not null references subscription (id),
    month integer not null,
    seconds integer not null check (seconds > 0)
);
create index subscription_session_by_month on subscription_session (subscription, month);
create trigger subscription_session_immutable before update or delete or truncate
    on subscription_session for each statement execute function refuse_change();

-- What an owner was told, each thing once in a month.
create table subscription_notice (
    subscription text collate "C" not null references subscription (id),
    month integer not null,
    step text not null,
    kind text not null,
    told_at timestamptz not null,
    primary key (subscription, month, step)
);
create trigger subscription_notice_immutable before update or delete or truncate
    on subscription_notice for each statement execute function refuse_change();

-- How a pool was divided: once.
create table pool_division (
    pool text collate "C" primary key,
    asset text not null,
    fees bigint not null,
    -- Of the fees, what went to those who were watched; the platform has the rest.
    shared bigint not null check (shared between 0 and fees),
    subscribers integer not null,
    watching integer not null check (watching between 0 and subscribers),
    divided_at timestamptz not null
);
create trigger pool_division_immutable before update or delete or truncate
    on pool_division for each statement execute function refuse_change();
