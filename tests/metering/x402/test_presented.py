"""What is asked of a client in words of x402, and which answers are read at all."""

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from typing import Any

import pytest

from config.limits import X402_PAYMENT_CHARACTERS_MAX
from metering.money import Stroops
from metering.x402.presented import presented_transaction
from metering.x402.terms import (
    PaymentRefused,
    Terms,
    as_header,
    network_name,
    payment_required,
    settled,
)

TERMS = Terms("stellar:testnet", "CASSET", Stroops(50_000_000), "MVIEWER")


def payment(**changes: Any) -> dict[str, Any]:
    """A good payment, with some of what was accepted changed."""
    accepted = TERMS.requirements() | changes
    return {"x402Version": 2, "accepted": accepted, "payload": {"transaction": "AAAA"}}


def header(document: object) -> str:
    return b64encode(json.dumps(document).encode()).decode()


def test_the_terms_are_those_of_exact_on_stellar() -> None:
    document = payment_required(TERMS, "https://here/top-up", "Five lumens", "payment required")
    assert document["x402Version"] == 2
    assert document["accepts"] == [
        {
            "scheme": "exact",
            "network": "stellar:testnet",
            "amount": "50000000",
            "asset": "CASSET",
            "payTo": "MVIEWER",
            "maxTimeoutSeconds": 60,
            "extra": {"areFeesSponsored": True},
        }
    ]
    assert json.loads(b64decode(as_header(document))) == document
    assert settled(TERMS, "00ff", "GPAYER")["transaction"] == "00ff"


def test_networks_are_named_by_caip_2() -> None:
    names = [
        network_name("Public Global Stellar Network ; September 2015"),
        network_name("Test SDF Network ; September 2015"),
        network_name("Another"),
    ]
    assert names[:2] == ["stellar:pubnet", "stellar:testnet"]
    reference = names[2].removeprefix("stellar:")
    assert len(reference) == 32
    assert reference.isalnum()


def test_a_payment_by_the_terms_is_read() -> None:
    assert presented_transaction(header(payment()), TERMS) == "AAAA"
    more = payment(extra={"areFeesSponsored": True, "more": 1}) | {"extensions": {}}
    assert presented_transaction(header(more), TERMS) == "AAAA"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (payment() | {"x402Version": 1}, "invalid_x402_version"),
        (payment(scheme="upto"), "invalid_payment_requirements"),
        (payment(network="stellar:pubnet"), "invalid_payment_requirements"),
        (payment(asset="COTHER"), "invalid_payment_requirements"),
        (payment(payTo="MOTHER"), "invalid_payment_requirements"),
        (payment(amount="49999999"), "invalid_payment_requirements"),
        (payment(amount=50_000_000), "invalid_payload"),
        (payment() | {"payload": {}}, "invalid_payload"),
        ([], "invalid_payload"),
    ],
)
def test_other_payments_are_refused(document: object, reason: str) -> None:
    with pytest.raises(PaymentRefused) as caught:
        presented_transaction(header(document), TERMS)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "text", ["", "no base64!", "AA==", "A" * (X402_PAYMENT_CHARACTERS_MAX + 1)]
)
def test_what_is_no_payment_is_refused(text: str) -> None:
    with pytest.raises(PaymentRefused) as caught:
        presented_transaction(text, TERMS)
    assert caught.value.reason == "invalid_payload"


def test_another_amount_is_another_payment() -> None:
    with pytest.raises(PaymentRefused):
        presented_transaction(header(payment()), replace(TERMS, amount=Stroops(1)))
