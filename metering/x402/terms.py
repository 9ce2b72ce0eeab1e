"""What is asked of who has to pay: x402, version 2, scheme `exact` (specs/x402-specification-v2).

Everything travels as JSON in base64, in headers of requests and answers.
"""

import json
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256

from config.limits import X402_PAYMENT_SECONDS
from metering.money import Stroops

VERSION = 2
SCHEME = "exact"

Document = dict[str, object]

# CAIP-2 has names for two networks; another is called by half of its id, which is what fits.
_NAMES = {
    "Public Global Stellar Network ; September 2015": "pubnet",
    "Test SDF Network ; September 2015": "testnet",
}
_REFERENCE_CHARACTERS_MAX = 32


class PaymentRefused(Exception):
    """A payment that is not taken; `reason` for programs, the text for people."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Terms:
    """One way to pay.

    Args:
        network: as `network_name` has it.
        asset: the contract of the asset (C...).
        amount: in stroops.
        pay_to: who is to be paid: an account, or one of its owners (M...).
    """

    network: str
    asset: str
    amount: Stroops
    pay_to: str

    def requirements(self) -> Document:
        """`PaymentRequirements`. We pay the network's fee: who pays needs no lumens besides."""
        return {
            "scheme": SCHEME,
            "network": self.network,
            "amount": str(self.amount),
            "asset": self.asset,
            "payTo": self.pay_to,
            "maxTimeoutSeconds": X402_PAYMENT_SECONDS,
            "extra": {"areFeesSponsored": True},
        }


def network_name(passphrase: str) -> str:
    """A network's name by CAIP-2."""
    other = sha256(passphrase.encode()).hexdigest()[:_REFERENCE_CHARACTERS_MAX]
    return f"stellar:{_NAMES.get(passphrase, other)}"


def payment_required(terms: Terms, url: str, description: str, error: str) -> Document:
    """`PaymentRequired`: what a request without a payment, or with a wrong one, is answered."""
    return {
        "x402Version": VERSION,
        "error": error,
        "resource": {"url": url, "description": description, "mimeType": "application/json"},
        "accepts": [terms.requirements()],
    }


def settled(terms: Terms, transaction: str, payer: str) -> Document:
    """`SettlementResponse` of a payment that is part of a ledger."""
    return {
        "success": True,
        "transaction": transaction,
        "network": terms.network,
        "payer": payer,
    }


def as_header(document: Document) -> str:
    """A document as the value of a header."""
    return b64encode(json.dumps(document, separators=(",", ":")).encode()).decode("ascii")
