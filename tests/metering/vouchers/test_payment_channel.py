"""What a payment channel is after its contract was seen, or its viewer wants it closed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from metering.money import Stroops
from metering.vouchers.payment_channel import (
    ChannelState,
    ContractState,
    DeltaTooSmall,
    LastDoesNotFit,
    PaymentChannel,
    Voucher,
    accept,
    close,
    see,
)

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
GOOD = ContractState(
    wasm="ab",
    token="CTOKEN",
    payer="GPAYER",
    recipient="GHOT",
    key=bytes(32),
    waiting_ledgers=17_280,
    withdrawn=0,
    balance=50,
    closes_at=None,
    ledger=1_000,
)
CHANNEL = PaymentChannel(
    contract="C",
    owner="acc_v",
    asset="XLM",
    payer="GPAYER",
    key=bytes(32),
    waiting_ledgers=17_280,
    deposited=Stroops(50_000),
    seen_at=NOW,
    collected_at=NOW,
    signature=bytes(64),
)


def test_a_channel_is_closed_when_nothing_more_can_be_collected() -> None:
    signed = replace(CHANNEL, signed=Stroops(40))
    at_end = replace(GOOD, closes_at=1_000)
    assert see(signed, replace(at_end, ledger=999), NOW).channel.state is ChannelState.CLOSING
    assert see(signed, at_end, NOW).channel.state is ChannelState.CLOSING
    taken_back = see(signed, replace(at_end, balance=0), NOW).channel
    assert taken_back.state is ChannelState.CLOSED
    assert taken_back.uncollected == 40
    paid = see(signed, replace(at_end, withdrawn=40, balance=10), NOW).channel
    assert (paid.state, paid.uncollected) == (ChannelState.CLOSED, 0)
    # A node that is behind does not open it again.
    assert see(paid, GOOD, NOW).channel.state is ChannelState.CLOSED


def test_closing_without_another_voucher_keeps_what_was_accepted() -> None:
    closing = close(replace(CHANNEL, signed=Stroops(40)), None)
    assert (closing.channel.state, closing.channel.signed) == (ChannelState.CLOSING, 40)
    assert closing.transfers == ()
    assert close(closing.channel, None) == closing


def test_a_last_voucher_is_for_what_was_collected_at_least_and_less_than_was_accepted() -> None:
    paying = replace(CHANNEL, signed=Stroops(40), withdrawn=Stroops(15))
    for stroops in (14, 41):
        with pytest.raises(LastDoesNotFit):
            close(paying, Voucher("C", Stroops(stroops), bytes(64)))
    for stroops, back in ((15, [25]), (39, [1]), (40, [])):
        closing = close(paying, Voucher("C", Stroops(stroops), bytes(64)))
        assert [each.amount for each in closing.transfers] == back
        assert closing.channel.accepted == stroops


def test_a_lower_voucher_than_before_is_refused() -> None:
    paying = replace(CHANNEL, signed=Stroops(40_000))
    for stroops in (39_999, 1):
        with pytest.raises(DeltaTooSmall):
            accept(paying, Voucher("C", Stroops(stroops), bytes(64)), NOW)
    assert accept(paying, Voucher("C", Stroops(40_000), bytes(64)), NOW).transfers == ()
