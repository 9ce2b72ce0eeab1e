"""The transaction of a settlement, byte for byte: built here, signed wherever the keys are.

Written as XDR (RFC 4506, with the types of Stellar-transaction.x) without the SDK, which takes half
a millisecond for each payment and most of a second to be imported. Everything that a transaction
says follows from the settlement's row and from its slot, so that who holds the keys builds it anew
from what was planned, and nobody can hand it other payments.
"""

import hashlib
import struct
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from config.limits import CLAIMABLE_RECLAIM_SECONDS, SETTLEMENT_PAYMENTS_MAX
from metering.money import NATIVE, STROOPS_MAX
from metering.settlement import statement
from metering.settlement.outbox import Kind, Payment, Settlement
from metering.settlement.strkey import account_key, read_address

_uint32 = struct.Struct(">I").pack
_int64 = struct.Struct(">q").pack
_uint64 = struct.Struct(">Q").pack

_NONE = _uint32(0)
_PRESENT = _uint32(1)

# EnvelopeType.
_TX = _uint32(2)
_TX_FEE_BUMP = _uint32(5)
_OPERATION_ID = _uint32(6)
# CryptoKeyType, PublicKeyType.
_ED25519 = _uint32(0)
_MUXED_ED25519 = _uint32(0x100)
# PreconditionType.
_TIME = _uint32(1)
# MemoType.
_MEMO_NONE, _MEMO_TEXT, _MEMO_ID, _MEMO_HASH = map(_uint32, range(4))
_MEMO_TEXT_BYTES_MAX = 28
# AssetType.
_NATIVE, _CODE_4, _CODE_12 = _uint32(0), _uint32(1), _uint32(2)
# OperationType.
_CREATE_ACCOUNT, _PAYMENT, _CHANGE_TRUST = _uint32(0), _uint32(1), _uint32(6)
_CREATE_CLAIMABLE, _CLAIM = _uint32(14), _uint32(15)
# ClaimantType and ClaimableBalanceIDType; ClaimPredicateType.
_V0 = _uint32(0)
_UNCONDITIONAL, _NOT, _BEFORE_RELATIVE = _uint32(0), _uint32(3), _uint32(5)


class BadMemo(ValueError):
    """Neither `id:` and a number below 2^64, nor `text:` and up to 28 bytes."""


@dataclass(frozen=True, slots=True)
class Slot:
    """When a transaction can be applied: by whose sequence number, and until when.

    `max_time` in seconds of ledger time.
    """

    source: str
    sequence: int
    max_time: int


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A transaction without signatures; `hash` is what is signed. Its `envelope` begins and ends
    around them.
    """

    hash: bytes
    before: bytes

    def signed(self, signatures: Mapping[bytes, bytes]) -> str:
        """The envelope in base64, as a node takes it.

        Args:
            signatures: of `hash`, by public key; both as bytes.
        """
        # DecoratedSignature: the hint is the end of the key.
        listed = b"".join(k[-4:] + _bytes(signature) for k, signature in signatures.items())
        return b64encode(self.before + _uint32(len(signatures)) + listed).decode("ascii")


def build(settlement: Settlement, slot: Slot, hot: str, passphrase: str) -> Unsigned:
    """The transaction that pays a settlement out of the hot account.

    Args:
        settlement: as it was planned.
        slot: its source pays the fee, unless the fee is bumped.
        hot: the account that pays (G...); it is the source of each operation.
        passphrase: names the network.

    Raises:
        BadAddress, BadMemo, BadAsset: the settlement says something that no transaction can.
    """
    payments = settlement.payments
    assert 0 < len(payments) <= SETTLEMENT_PAYMENTS_MAX, "a transaction has 1 to 100 operations"
    source, asset = account_key(hot), asset_xdr(settlement.asset)
    prefix = _PRESENT + _ED25519 + source
    operations = [prefix + _operation(payment, asset, source) for payment in payments]
    transaction = b"".join(
        (
            _ED25519 + account_key(slot.source),
            _uint32(settlement.fee_max),
            _int64(slot.sequence),
            _TIME + _uint64(0) + _uint64(slot.max_time),
            memo_xdr(settlement),
            _uint32(len(operations)),
            *operations,
            _NONE,
        )
    )
    return Unsigned(_hash(passphrase, _TX + transaction), _TX + transaction)


def build_bump(envelope: str, fee: int, payer: str, passphrase: str) -> Unsigned:
    """The same transaction with a higher bid, which `payer` pays (CAP-15).

    Args:
        envelope: the signed transaction in base64; it becomes part of the new one as it is.
        fee: stroops for its operations and one more.
        payer: the account (G...) that pays and signs.
        passphrase: names the network.
    """
    inner = b64decode(envelope)
    assert inner.startswith(_TX), "a bump is not bumped: the transaction in it is"
    bump = _ED25519 + account_key(payer) + _int64(fee) + inner + _NONE
    return Unsigned(_hash(passphrase, _TX_FEE_BUMP + bump), _TX_FEE_BUMP + bump)


def build_trust_line(asset: str, slot: Slot, fee: int, hot: str, passphrase: str) -> Unsigned:
    """A transaction in which an account agrees to hold an asset, as much as there can be of it.

    Args:
        asset: `CODE:ISSUER`.
        slot: its source pays the fee, and signs as well.
        fee: stroops at most.
        hot: the account (G...) that is to hold it; it signs.
        passphrase: names the network.
    """
    operation = _CHANGE_TRUST + asset_xdr(asset) + _int64(STROOPS_MAX)
    transaction = b"".join(
        (
            _ED25519 + account_key(slot.source),
            _uint32(fee),
            _int64(slot.sequence),
            _TIME + _uint64(0) + _uint64(slot.max_time),
            _MEMO_NONE,
            _uint32(1),
            _PRESENT + _ED25519 + account_key(hot) + operation,
            _NONE,
        )
    )
    return Unsigned(_hash(passphrase, _TX + transaction), _TX + transaction)


def claimable_id(slot: Slot, place: int) -> str:
    """The id of the claimable balance that an operation makes (CAP-23), as an API takes it.

    Args:
        slot: of its transaction.
        place: of the operation, from 0 on.
    """
    operation = _ED25519 + account_key(slot.source) + _int64(slot.sequence) + _uint32(place)
    return (_V0 + hashlib.sha256(_OPERATION_ID + operation).digest()).hex()


def asset_xdr(asset: str) -> bytes:
    """`XLM` or `CODE:ISSUER` as an Asset."""
    if asset == NATIVE:
        return _NATIVE
    code, _, issuer = asset.partition(":")
    kind, size = (_CODE_4, 4) if len(code) <= 4 else (_CODE_12, 12)
    return kind + code.encode("ascii").ljust(size, b"\0") + _ED25519 + account_key(issuer)


def memo_xdr(settlement: Settlement) -> bytes:
    """The root of the statement; or what a payee asked for, who is then the only one."""
    [*asked] = [payment.memo for payment in settlement.payments if payment.memo is not None]
    if not asked:
        return _MEMO_HASH + statement.root(statement.leaves(settlement))
    assert len(settlement.payments) == 1, "a transaction has one memo"
    kind, _, value = asked[0].partition(":")
    text = value.encode()
    if kind == "id" and value.isascii() and value.isdecimal() and int(value) < 1 << 64:
        return _MEMO_ID + _uint64(int(value))
    if kind == "text" and len(text) <= _MEMO_TEXT_BYTES_MAX:
        return _MEMO_TEXT + _bytes(text)
    raise BadMemo(asked[0][:80])


def _operation(payment: Payment, asset: bytes, hot: bytes) -> bytes:
    """The body of an operation."""
    amount = _int64(payment.amount)
    if payment.kind == Kind.RECLAIM:
        return _CLAIM + bytes.fromhex(payment.address)
    if payment.kind == Kind.OPEN:
        return _CREATE_ACCOUNT + _ED25519 + account_key(payment.address) + amount
    if payment.claimable:
        payee = _ED25519 + read_address(payment.address).key
        return _CREATE_CLAIMABLE + asset + amount + _claimants(payee, _ED25519 + hot)
    return _PAYMENT + _destination(payment.address) + asset + amount


def _claimants(payee: bytes, hot: bytes) -> bytes:
    """The payee at any time; we too, once it has not been claimed for long."""
    later = _NOT + _PRESENT + _BEFORE_RELATIVE + _int64(CLAIMABLE_RECLAIM_SECONDS)
    return _uint32(2) + _V0 + payee + _UNCONDITIONAL + _V0 + hot + later


def _destination(address: str) -> bytes:
    key, muxed_id = read_address(address)
    return _ED25519 + key if muxed_id is None else _MUXED_ED25519 + _uint64(muxed_id) + key


def _hash(passphrase: str, tagged: bytes) -> bytes:
    """What is signed: TransactionSignaturePayload."""
    network = hashlib.sha256(passphrase.encode()).digest()
    return hashlib.sha256(network + tagged).digest()


def _bytes(data: bytes) -> bytes:
    """Variable-length opaque data, in multiples of four (RFC 4506, 4.10)."""
    return _uint32(len(data)) + data + bytes(-len(data) % 4)
