-- Payment channels whose payer took back what vouchers had been accepted for. The operator gives it
-- up, once for each: what was given for the vouchers is a loss from then on, and no claim any more.
create table channel_write_off (
    contract text collate "C" primary key references payment_channel (contract),
    asset text not null,
    amount bigint not null check (amount > 0),
    -- In the operator's words, and who that was.
    reason text not null check (reason <> ''),
    written_by text not null,
    written_at timestamptz not null
);
create index channel_write_off_by_time on channel_write_off (written_at);
create trigger channel_write_off_immutable before update or delete or truncate on channel_write_off
    for each statement execute function refuse_change();

create index payment_channel_lost on payment_channel (contract)
    where state = 'closed' and signed > withdrawn;
