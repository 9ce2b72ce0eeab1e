"""Which contracts are taken."""

from dataclasses import replace

import pytest

from metering.money import STROOPS_MAX
from metering.vouchers.channel_terms import ChannelTerms, ContractRefused
from metering.vouchers.payment_channel import ContractState
from tests.metering.vouchers.test_payment_channel import GOOD

TERMS = ChannelTerms(frozenset(["ab", "cd"]), "CTOKEN", "XLM", "GHOT", "Net")


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
