"""Which contracts are taken, and when they are collected from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from metering.money import STROOPS_MAX, Stroops
from metering.signer.collecting import Verb
from metering.vouchers.payment_channel import (
    ChannelState,
    ChannelTerms,
    CollectingRules,
    ContractRefused,
    ContractState,
    PaymentChannel,
    close,
    due,
    is_late,
    see,
)

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
TERMS = ChannelTerms(frozenset(["ab", "cd"]), "CTOKEN", "XLM", "GHOT", "Net")
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
RULES = CollectingRules(Stroops(10_000), 86_400)


@pytest.mark.parametrize(
    ("reason", "contract"),
    [
        ("unknown_code", replace(GOOD, wasm="ef")),
        ("other_token", replace(GOOD, token="COTHER")),
        ("other_recipient", replace(GOOD, recipient="GTHIEF")),
        ("waiting_period", replace(GOOD, waiting_ledgers=17_279)),
        ("waiting_period", replace(GOOD, waiting_ledgers=2**32 - 1)),
        ("closing", replace(GOOD, closes_at=1)),
        ("used_before", replace(GOOD, withdrawn=1)),
        ("too_much", replace(GOOD, balance=STROOPS_MAX + 1)),
    ],
)
def test_a_contract_that_would_not_pay_us_is_refused_with_the_reason(
    reason: str, contract: ContractState
) -> None:
    with pytest.raises(ContractRefused) as refused:
        TERMS.require(contract)
    assert refused.value.reason == reason


def test_a_contract_that_pays_us_is_taken() -> None:
    TERMS.require(GOOD)
    TERMS.require(replace(GOOD, wasm="cd", balance=0))


def test_what_is_signed_for_is_collected_by_amount_by_time_and_before_it_is_taken_back() -> None:
    later = NOW + timedelta(days=1)
    some, much = replace(CHANNEL, signed=Stroops(1)), replace(CHANNEL, signed=Stroops(10_000))
    closing = replace(some, state=ChannelState.CLOSING, closes_at=18_280)
    asked = replace(CHANNEL, state=ChannelState.CLOSING)
    assert [due(each, RULES, NOW) for each in (CHANNEL, some, much)] == [None, None, Verb.SETTLE]
    assert [due(each, RULES, later) for each in (CHANNEL, some)] == [None, Verb.SETTLE]
    assert due(closing, RULES, NOW) is Verb.CLOSE
    # What nothing was signed for is closed when its viewer asked, and else left to its payer.
    assert due(asked, RULES, NOW) is Verb.CLOSE
    assert due(replace(asked, closes_at=18_280), RULES, NOW) is None
    assert due(replace(some, state=ChannelState.CLOSED), RULES, later) is None


def test_half_of_the_waiting_period_is_late() -> None:
    closing = replace(CHANNEL, signed=Stroops(1), state=ChannelState.CLOSING, closes_at=20_000)
    assert not is_late(closing, 20_000 - 8_640)
    assert is_late(closing, 20_000 - 8_639)
    assert not is_late(replace(closing, withdrawn=Stroops(1)), 20_000)
    assert not is_late(replace(closing, closes_at=None), 20_000)


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
