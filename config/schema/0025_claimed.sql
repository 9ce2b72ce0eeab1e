-- Payouts that were left to be claimed, and of which the chain says that they are left no more: as
-- nothing of ours took them back, their payees did.
create table payout_claimed (
    payout text collate "C" primary key references payout (id),
    noted_at timestamptz not null default now()
);
create trigger payout_claimed_immutable before update or delete or truncate on payout_claimed
    for each statement execute function refuse_change();
-- What is left to be claimed, in the order in which it was paid.
create index payout_claimable on payout (asset, id) where claimable;
