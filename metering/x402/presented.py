"""Reads what a client presents as a payment: `PaymentPayload` of x402, version 2."""

import binascii
from base64 import b64decode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.limits import X402_PAYMENT_CHARACTERS_MAX
from metering.x402.terms import VERSION, PaymentRefused, Terms


class _Accepted(BaseModel):
    """What else a client took over from the terms does not matter."""

    model_config = ConfigDict(strict=True, extra="ignore")
    scheme: str
    network: str
    amount: str
    asset: str
    pay_to: str = Field(alias="payTo")


class _Payload(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    transaction: str


class _Presented(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    version: int = Field(alias="x402Version")
    accepted: _Accepted
    payload: _Payload


def presented_transaction(header: str, terms: Terms) -> str:
    """The transaction (base64) in a payment by these terms; not looked into.

    Args:
        header: as the client sent it.
        terms: what was asked of it.

    Raises:
        PaymentRefused: it is no payment, or one by other terms.
    """
    presented = _read(header)
    if presented.version != VERSION:
        raise PaymentRefused("invalid_x402_version", f"this server speaks version {VERSION}")
    asked, accepted = terms.requirements(), presented.accepted
    for field, value in (
        ("scheme", accepted.scheme),
        ("network", accepted.network),
        ("asset", accepted.asset),
        ("payTo", accepted.pay_to),
        ("amount", accepted.amount),
    ):
        if value != asked[field]:
            text = f"{field} is {value[:80]!r}, asked for was {asked[field]!r}"
            raise PaymentRefused("invalid_payment_requirements", text)
    return presented.payload.transaction


def _read(header: str) -> _Presented:
    if len(header) > X402_PAYMENT_CHARACTERS_MAX:
        raise PaymentRefused("invalid_payload", "too long")
    try:
        return _Presented.model_validate_json(b64decode(header, validate=True))
    except (binascii.Error, ValidationError) as error:
        raise PaymentRefused("invalid_payload", "not a payment of version 2 in base64") from error
