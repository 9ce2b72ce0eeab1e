"""Whether a transaction may enter a ledger, by the rules that stellar-core checks."""

from dataclasses import dataclass

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.apply import malformed, success_of
from metering.localnet.contracts.resources import fee_of
from metering.localnet.entries import Entries
from metering.localnet.envelope import OPERATIONS_MAX, Conditions, Envelope, Transaction
from metering.localnet.operation import InvokeHostFunction
from metering.localnet.results import operation_result, transaction_result
from metering.localnet.signatures import Level, SignatureCheck, level_of

BASE_FEE = 100  # stroops an operation, Stellar docs, "Fees": minimum inclusion fee

_CODE = stellar_xdr.TransactionResultCode
_OPERATION = stellar_xdr.OperationResultCode


@dataclass(frozen=True, slots=True)
class Moment:
    """The ledger that a transaction would be part of, and when it closes (seconds)."""

    ledger: int
    close_time: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a transaction is not valid."""

    code: stellar_xdr.TransactionResultCode
    operations: tuple[stellar_xdr.OperationResult, ...] = ()
    of_inner: bool = False


def refusal_xdr(envelope: Envelope, refusal: Refusal) -> stellar_xdr.TransactionResult:
    """What the submitter is told."""
    bumped = envelope.transaction.hash if envelope.is_fee_bump and refusal.of_inner else None
    fee = envelope.operations_charged * BASE_FEE
    return transaction_result(refusal.code, fee, list(refusal.operations), bumped)


def check(envelope: Envelope, entries: Entries, moment: Moment) -> Refusal | None:
    """None when the transaction may be part of the ledger at `moment`, its fee not yet taken."""
    if envelope.is_fee_bump:
        return _check_sponsor(envelope, entries) or check_charged(envelope, entries, moment)
    return _check_transaction(envelope, entries, moment, fee=envelope.fee)


def check_charged(envelope: Envelope, entries: Entries, moment: Moment) -> Refusal | None:
    """The same for a transaction whose fee was taken already, or is taken from a sponsor."""
    return _check_transaction(envelope, entries, moment, fee=None)


def _check_sponsor(envelope: Envelope, entries: Entries) -> Refusal | None:
    """Who pays for a fee bump: the offer, the signatures and the balance (CAP-15)."""
    inner = envelope.transaction
    offered = envelope.fee * max(1, len(inner.operations))
    if _fee_too_low(envelope) or offered < inner.fee * envelope.operations_charged:
        return Refusal(_CODE.txINSUFFICIENT_FEE)
    payer = entries.account(envelope.fee_source)
    if payer is None:
        return Refusal(_CODE.txNO_ACCOUNT)
    signatures = SignatureCheck(envelope.hash, envelope.signatures)
    if not signatures.enough(payer, Level.LOW):
        return Refusal(_CODE.txBAD_AUTH)
    if payer.balance - envelope.fee < payer.reserve:
        return Refusal(_CODE.txINSUFFICIENT_BALANCE)
    return None if signatures.all_used else Refusal(_CODE.txBAD_AUTH_EXTRA)


def _fee_too_low(envelope: Envelope) -> bool:
    return envelope.inclusion_fee < BASE_FEE * envelope.operations_charged


def _check_transaction(
    envelope: Envelope, entries: Entries, moment: Moment, fee: int | None
) -> Refusal | None:
    """In the order in which stellar-core reports what is wrong."""
    transaction, of_inner = envelope.transaction, envelope.is_fee_bump
    code = _check_shape(transaction) or _check_conditions(transaction.conditions, moment)
    if code is None and fee is not None and _fee_too_low(envelope):
        code = _CODE.txINSUFFICIENT_FEE
    code = code or _check_sequence(transaction, entries)
    if code is not None:
        return Refusal(code, of_inner=of_inner)
    signatures = SignatureCheck(transaction.hash, transaction.signatures)
    source = entries.account(transaction.source)
    assert source is not None, "its sequence number was checked"
    if not signatures.enough(source, Level.LOW):
        return Refusal(_CODE.txBAD_AUTH, of_inner=of_inner)
    if fee is not None and source.balance - fee < source.reserve:
        return Refusal(_CODE.txINSUFFICIENT_BALANCE)
    results = _check_operations(transaction, entries, signatures)
    if results is not None:
        return Refusal(_CODE.txFAILED, results, of_inner)
    if not signatures.all_used:
        return Refusal(_CODE.txBAD_AUTH_EXTRA, of_inner=of_inner)
    return None


def _check_shape(transaction: Transaction) -> stellar_xdr.TransactionResultCode | None:
    if not transaction.operations:
        return _CODE.txMISSING_OPERATION
    if len(transaction.operations) > OPERATIONS_MAX:
        return _CODE.txMALFORMED
    if not _declares_resources(transaction):
        return _CODE.txSOROBAN_INVALID
    return _CODE.txNOT_SUPPORTED if transaction.conditions.unsupported else None


def _declares_resources(transaction: Transaction) -> bool:
    """A call of a contract is alone in its transaction and tells its resources; others do not."""
    called = any(isinstance(o, InvokeHostFunction) for o in transaction.operations)
    resources = transaction.resources
    if resources is None or not called:
        return resources is None and not called
    needed = fee_of(resources.resources)
    declared = needed <= resources.resource_fee.int64 <= transaction.fee
    return declared and len(transaction.operations) == 1


def _check_conditions(
    conditions: Conditions, moment: Moment
) -> stellar_xdr.TransactionResultCode | None:
    if conditions.min_time > moment.close_time or conditions.min_ledger > moment.ledger:
        return _CODE.txTOO_EARLY
    if conditions.max_time and moment.close_time > conditions.max_time:
        return _CODE.txTOO_LATE
    if conditions.max_ledger and moment.ledger >= conditions.max_ledger:
        return _CODE.txTOO_LATE
    return None


def _check_sequence(
    transaction: Transaction, entries: Entries
) -> stellar_xdr.TransactionResultCode | None:
    source = entries.account(transaction.source)
    if source is None:
        return _CODE.txNO_ACCOUNT
    lowest = transaction.conditions.min_sequence
    if lowest is None:
        good = transaction.sequence == source.sequence + 1
    else:
        good = lowest <= source.sequence < transaction.sequence
    return None if good else _CODE.txBAD_SEQ


def _check_operations(
    transaction: Transaction, entries: Entries, signatures: SignatureCheck
) -> tuple[stellar_xdr.OperationResult, ...] | None:
    """Results of all operations when one of them is not signed for or can never succeed."""
    codes = []
    for operation in transaction.operations:
        owner = entries.account(operation.source)
        signed = (
            signatures.signed_by(operation.source)
            if owner is None
            else signatures.enough(owner, level_of(operation))
        )
        codes.append(malformed(operation) if signed else _OPERATION.opBAD_AUTH)
    if all(code is None for code in codes):
        return None
    pairs = zip(transaction.operations, codes, strict=True)
    return tuple(operation_result(code or success_of(operation)) for operation, code in pairs)
