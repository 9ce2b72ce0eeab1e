"""The other thing that may be asked of who has the keys: to agree that a payment channel pays us.

A one-way-channel contract pays its recipient, the hot account, only when that agrees (CAP-46-11:
an authorization entry). What is signed here agrees to one call, `settle` or `close` of one
contract, and to no call below it. So it can take nothing out of the hot account, whatever the
contract does: a transfer from it would be such a call. There is nothing to cap, and nothing to look
up: whoever gets hold of the server's process can make payment channels pay us, and no more.
"""

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from metering.money import STROOPS_MAX
from metering.settlement.signer import Reason, Refused
from metering.settlement.strkey import BadAddress, contract_key

_uint32 = struct.Struct(">I").pack
_int64 = struct.Struct(">q").pack

# Stellar-ledger-entries.x, Stellar-contract.x: EnvelopeType, SorobanAuthorizedFunctionType,
# SCAddressType, SCValType.
_SOROBAN_AUTHORIZATION = _uint32(9)
_CONTRACT_FUNCTION = _uint32(0)
_CONTRACT = _uint32(1)
_SCV_I128, _SCV_BYTES = _uint32(10), _uint32(13)
_ARGUMENTS = _uint32(2)
_NO_CALLS_BELOW = _uint32(0)
_SIGNATURE_BYTES = 64


class Verb(StrEnum):
    """What a contract is asked: to pay up to a voucher, or that and to give back the rest."""

    SETTLE = "settle"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class CollectingOrder:
    """A call that the hot account is to agree to.

    Args:
        contract: the payment channel's address (C...).
        verb: which of its functions.
        cumulative: the sum of the voucher that it is called with, in stroops.
        signature: of that voucher, 64 bytes.
        nonce: makes it good for one time.
        last_ledger: the last one in which it is good.
    """

    contract: str
    verb: Verb
    cumulative: int
    signature: bytes
    nonce: int
    last_ledger: int


class CollectingSigner(Protocol):
    """Whoever has the hot account's key."""

    @property
    def hot(self) -> str:
        """The account (G...) that payment channels pay."""

    async def authorize(self, order: CollectingOrder) -> bytes:
        """The hot account's signature (Ed25519) of `authorization_hash`.

        Raises:
            Refused: nothing could be called like that.
            SignerAway: no answer.
        """


def authorization_hash(order: CollectingOrder, passphrase: str) -> bytes:
    """What is signed: SHA-256 of a `HashIDPreimageSorobanAuthorization`.

    Raises:
        Refused: the order says something that no call can.
    """
    name = order.verb.value.encode()
    return hashlib.sha256(
        b"".join(
            (
                _SOROBAN_AUTHORIZATION,
                hashlib.sha256(passphrase.encode()).digest(),
                _number(order.nonce, _int64),
                _number(order.last_ledger, _uint32),
                _CONTRACT_FUNCTION,
                _CONTRACT,
                _contract(order.contract),
                _uint32(len(name)) + name + bytes(-len(name) % 4),
                _ARGUMENTS,
                _SCV_I128 + _amount(order.cumulative),
                _SCV_BYTES + _uint32(_SIGNATURE_BYTES) + _signature(order.signature),
                _NO_CALLS_BELOW,
            )
        )
    ).digest()


def _contract(address: str) -> bytes:
    try:
        return contract_key(address)
    except BadAddress as error:
        raise Refused(Reason.MALFORMED, str(error)) from None


def _number(number: int, pack: Callable[[int], bytes]) -> bytes:
    try:
        return pack(number)
    except struct.error as error:
        raise Refused(Reason.MALFORMED, str(error)) from None


def _amount(cumulative: int) -> bytes:
    if not 0 <= cumulative <= STROOPS_MAX:
        raise Refused(Reason.MALFORMED, f"{cumulative} stroops were never signed for")
    return cumulative.to_bytes(16, "big")


def _signature(signature: bytes) -> bytes:
    if len(signature) != _SIGNATURE_BYTES:
        raise Refused(Reason.MALFORMED, "a signature has 64 bytes")
    return signature
