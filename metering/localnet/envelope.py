"""A transaction envelope as a value, read from what clients send."""

import binascii
import hashlib
from dataclasses import dataclass

from stellar_sdk import Network
from stellar_sdk import xdr as stellar_xdr
from xdrlib3 import Error as XdrError

from metering.localnet.operation import Operation
from metering.localnet.operation_xdr import read_operation
from metering.localnet.xdr_values import UnsupportedXdr, address_of_muxed

OPERATIONS_MAX = 100  # MAX_OPS_PER_TX in Stellar-transaction.x


class MalformedEnvelope(ValueError):
    """Not a transaction envelope that this network can read."""


@dataclass(frozen=True, slots=True)
class Signature:
    hint: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Conditions:
    """When a transaction may apply; zero means no bound. Times in seconds of ledger time."""

    min_time: int = 0
    max_time: int = 0
    min_ledger: int = 0
    max_ledger: int = 0
    min_sequence: int | None = None
    unsupported: bool = False


@dataclass(frozen=True, slots=True)
class Transaction:
    """What a source account wants done, and the signatures for it."""

    hash: bytes
    source: str
    memo: stellar_xdr.Memo
    sequence: int
    fee: int
    conditions: Conditions
    operations: tuple[Operation, ...]
    resources: stellar_xdr.SorobanTransactionData | None
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is submitted: a transaction, or a fee bump around one (CAP-15)."""

    xdr: str
    hash: bytes
    transaction: Transaction
    fee: int
    fee_source: str
    signatures: tuple[Signature, ...]
    is_fee_bump: bool

    @property
    def operations_charged(self) -> int:
        """How many base fees it owes: a fee bump counts as one operation more."""
        return len(self.transaction.operations) + (1 if self.is_fee_bump else 0)

    @property
    def resource_fee(self) -> int:
        """Stroops that a call of a contract pays for what it uses, besides its bid."""
        resources = self.transaction.resources
        return 0 if resources is None else resources.resource_fee.int64

    @property
    def inclusion_fee(self) -> int:
        """Stroops that are bid for being part of a ledger."""
        return self.fee - self.resource_fee


@dataclass(frozen=True, slots=True)
class Parts:
    """What an envelope that was read before is made of, without its hash."""

    memo: stellar_xdr.Memo
    fee_source: str
    fee: int
    conditions: stellar_xdr.Preconditions
    operations: tuple[Operation, ...]
    signatures: tuple[bytes, ...]
    bump_signatures: tuple[bytes, ...]


def read_parts(base64: str) -> Parts:
    """Read an envelope that the network took once; of a fee bump, what is inside."""
    envelope = stellar_xdr.TransactionEnvelope.from_xdr(base64)
    inner = envelope if envelope.fee_bump is None else envelope.fee_bump.tx.inner_tx
    signed = inner.v1
    if signed is not None:
        transaction, signatures = signed.tx, signed.signatures
    else:
        assert isinstance(inner, stellar_xdr.TransactionEnvelope)
        assert inner.v0 is not None
        transaction, signatures = _upgrade(inner.v0.tx), inner.v0.signatures
    source = transaction.source_account
    payer = source if envelope.fee_bump is None else envelope.fee_bump.tx.fee_source
    bumped = () if envelope.fee_bump is None else envelope.fee_bump.signatures
    return Parts(
        memo=transaction.memo,
        fee_source=address_of_muxed(payer),
        fee=transaction.fee.uint32,
        conditions=transaction.cond,
        operations=tuple(read_operation(o, source) for o in transaction.operations),
        signatures=tuple(s.signature.signature for s in signatures),
        bump_signatures=tuple(s.signature.signature for s in bumped),
    )


def read_envelope(base64: str, passphrase: str) -> Envelope:
    """Read an envelope as it was submitted.

    Raises:
        MalformedEnvelope: not base64, not an envelope, or of a kind this network cannot read.
    """
    try:
        envelope = stellar_xdr.TransactionEnvelope.from_xdr(base64)
        return _read(envelope, Network(passphrase).network_id())
    except (binascii.Error, XdrError, EOFError, ValueError, UnsupportedXdr) as error:
        raise MalformedEnvelope(str(error)) from error


def _read(envelope: stellar_xdr.TransactionEnvelope, network_id: bytes) -> Envelope:
    if envelope.fee_bump is not None:
        return _read_fee_bump(envelope, envelope.fee_bump, network_id)
    if envelope.v1 is not None:
        transaction, signatures = envelope.v1.tx, envelope.v1.signatures
    else:
        assert envelope.v0 is not None
        transaction, signatures = _upgrade(envelope.v0.tx), envelope.v0.signatures
    read = _transaction(transaction, signatures, network_id)
    return Envelope(
        xdr=envelope.to_xdr(),
        hash=read.hash,
        transaction=read,
        fee=read.fee,
        fee_source=read.source,
        signatures=read.signatures,
        is_fee_bump=False,
    )


def bid_of(envelope_xdr: str, fee: int) -> int:
    """The part of a charged fee that was not for resources; of an envelope that was read before."""
    envelope = stellar_xdr.TransactionEnvelope.from_xdr(envelope_xdr)
    inner = envelope.v1
    if envelope.fee_bump is not None:
        inner = envelope.fee_bump.tx.inner_tx.v1
    resources = None if inner is None else inner.tx.ext.soroban_data
    return fee if resources is None else fee - resources.resource_fee.int64


def _read_fee_bump(
    envelope: stellar_xdr.TransactionEnvelope,
    fee_bump: stellar_xdr.FeeBumpTransactionEnvelope,
    network_id: bytes,
) -> Envelope:
    inner = fee_bump.tx.inner_tx.v1
    if inner is None:
        raise MalformedEnvelope("a fee bump wraps a transaction of version 1")
    tagged = stellar_xdr.TransactionSignaturePayloadTaggedTransaction(
        stellar_xdr.EnvelopeType.ENVELOPE_TYPE_TX_FEE_BUMP, fee_bump=fee_bump.tx
    )
    return Envelope(
        xdr=envelope.to_xdr(),
        hash=_hash(tagged, network_id),
        transaction=_transaction(inner.tx, inner.signatures, network_id),
        fee=fee_bump.tx.fee.int64,
        fee_source=address_of_muxed(fee_bump.tx.fee_source),
        signatures=_signatures(fee_bump.signatures),
        is_fee_bump=True,
    )


def _transaction(
    transaction: stellar_xdr.Transaction,
    signatures: list[stellar_xdr.DecoratedSignature],
    network_id: bytes,
) -> Transaction:
    source = transaction.source_account
    tagged = stellar_xdr.TransactionSignaturePayloadTaggedTransaction(
        stellar_xdr.EnvelopeType.ENVELOPE_TYPE_TX, tx=transaction
    )
    return Transaction(
        hash=_hash(tagged, network_id),
        source=address_of_muxed(source),
        memo=transaction.memo,
        sequence=transaction.seq_num.sequence_number.int64,
        fee=transaction.fee.uint32,
        conditions=_conditions(transaction.cond),
        operations=tuple(read_operation(o, source) for o in transaction.operations),
        resources=transaction.ext.soroban_data,
        signatures=_signatures(signatures),
    )


def _hash(
    tagged: stellar_xdr.TransactionSignaturePayloadTaggedTransaction, network_id: bytes
) -> bytes:
    payload = stellar_xdr.TransactionSignaturePayload(stellar_xdr.Hash(network_id), tagged)
    return hashlib.sha256(payload.to_xdr_bytes()).digest()


def _upgrade(old: stellar_xdr.TransactionV0) -> stellar_xdr.Transaction:
    """The same transaction as version 1: what is signed is that form (CAP-15)."""
    kind = stellar_xdr.PreconditionType
    condition = (
        stellar_xdr.Preconditions(kind.PRECOND_NONE)
        if old.time_bounds is None
        else stellar_xdr.Preconditions(kind.PRECOND_TIME, time_bounds=old.time_bounds)
    )
    return stellar_xdr.Transaction(
        source_account=stellar_xdr.MuxedAccount(
            stellar_xdr.CryptoKeyType.KEY_TYPE_ED25519, ed25519=old.source_account_ed25519
        ),
        fee=old.fee,
        seq_num=old.seq_num,
        cond=condition,
        memo=old.memo,
        operations=old.operations,
        ext=stellar_xdr.TransactionExt(0),
    )


def _conditions(conditions: stellar_xdr.Preconditions) -> Conditions:
    if conditions.time_bounds is not None:
        return Conditions(*_times(conditions.time_bounds))
    if conditions.v2 is None:
        return Conditions()
    v2 = conditions.v2
    ledgers = v2.ledger_bounds
    return Conditions(
        *(_times(v2.time_bounds) if v2.time_bounds is not None else (0, 0)),
        min_ledger=0 if ledgers is None else ledgers.min_ledger.uint32,
        max_ledger=0 if ledgers is None else ledgers.max_ledger.uint32,
        min_sequence=None if v2.min_seq_num is None else v2.min_seq_num.sequence_number.int64,
        unsupported=bool(
            v2.min_seq_age.duration.uint64 or v2.min_seq_ledger_gap.uint32 or v2.extra_signers
        ),
    )


def _times(bounds: stellar_xdr.TimeBounds) -> tuple[int, int]:
    return bounds.min_time.time_point.uint64, bounds.max_time.time_point.uint64


def _signatures(signatures: list[stellar_xdr.DecoratedSignature]) -> tuple[Signature, ...]:
    return tuple(Signature(s.hint.signature_hint, s.signature.signature) for s in signatures)
