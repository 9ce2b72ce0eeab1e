"""When payment channels are collected from, and when that is late."""

from dataclasses import replace
from datetime import timedelta

from metering.money import Stroops
from metering.signer.collecting import Verb
from metering.vouchers.collecting import CollectingRules, due, is_late
from metering.vouchers.payment_channel import ChannelState
from tests.metering.vouchers.test_payment_channel import CHANNEL, NOW

RULES = CollectingRules(Stroops(10_000), 86_400)


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
