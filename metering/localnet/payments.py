"""What operations do that move money between accounts."""

from dataclasses import replace

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.context import Context
from metering.localnet.entries import BASE_RESERVE, NATIVE, Account, Entries
from metering.localnet.events import destination_id, moved
from metering.localnet.holdings import Trouble, give, take
from metering.localnet.operation import AccountMerge, CreateAccount, Payment
from metering.localnet.results import Applied, OperationCode, inner_result

_CREATE = stellar_xdr.CreateAccountResultCode
_PAYMENT = stellar_xdr.PaymentResultCode
_MERGE = stellar_xdr.AccountMergeResultCode

_PAYEE_TROUBLE = {
    Trouble.NO_TRUST: _PAYMENT.PAYMENT_NO_TRUST,
    Trouble.NOT_AUTHORIZED: _PAYMENT.PAYMENT_NOT_AUTHORIZED,
    Trouble.FULL: _PAYMENT.PAYMENT_LINE_FULL,
}
_PAYER_TROUBLE = {
    Trouble.NO_TRUST: _PAYMENT.PAYMENT_SRC_NO_TRUST,
    Trouble.NOT_AUTHORIZED: _PAYMENT.PAYMENT_SRC_NOT_AUTHORIZED,
    Trouble.SHORT: _PAYMENT.PAYMENT_UNDERFUNDED,
}
_IMMUTABLE = stellar_xdr.AccountFlags.AUTH_IMMUTABLE_FLAG.value

_STARTING_SEQUENCE_SHIFT = 32  # a new account's sequence number is its ledger's, shifted


def malformed_movement(operation: CreateAccount | Payment | AccountMerge) -> OperationCode | None:
    """The code of one of these operations that can never succeed."""
    code: OperationCode | None = None
    match operation:
        case CreateAccount() if operation.starting_balance < 0:
            code = _CREATE.CREATE_ACCOUNT_MALFORMED
        case Payment() if operation.amount <= 0:
            code = _PAYMENT.PAYMENT_MALFORMED
        case AccountMerge() if operation.source == operation.destination:
            code = _MERGE.ACCOUNT_MERGE_MALFORMED
        case _:
            pass
    return code


def create_account(
    entries: Entries, source: Account, create: CreateAccount, context: Context
) -> Applied:
    """A new account with its first lumens."""
    if entries.account(create.destination) is not None:
        return Applied(_CREATE.CREATE_ACCOUNT_ALREADY_EXIST)
    if create.starting_balance < 2 * BASE_RESERVE:
        return Applied(_CREATE.CREATE_ACCOUNT_LOW_RESERVE)
    if source.balance - create.starting_balance < source.reserve:
        return Applied(_CREATE.CREATE_ACCOUNT_UNDERFUNDED)
    entries.put(replace(source, balance=source.balance - create.starting_balance))
    sequence = context.ledger << _STARTING_SEQUENCE_SHIFT
    entries.put(Account(create.destination, create.starting_balance, sequence))
    return Applied(_CREATE.CREATE_ACCOUNT_SUCCESS, (transfer_event(context, create),))


def pay(entries: Entries, payment: Payment, context: Context) -> Applied:
    """An amount of any asset from one account to another.

    The destination comes first, as in stellar-core, so that of two troubles its is told.
    """
    if entries.account(payment.destination) is None:
        return Applied(_PAYMENT.PAYMENT_NO_DESTINATION)
    own = payment.asset == NATIVE and payment.source == payment.destination
    if not own:
        trouble = give(entries, payment.destination, payment.asset, payment.amount)
        if trouble is not None:
            return Applied(_PAYEE_TROUBLE[trouble])
        trouble = take(entries, payment.source, payment.asset, payment.amount)
        if trouble is not None:
            return Applied(_PAYER_TROUBLE[trouble])
    return Applied(_PAYMENT.PAYMENT_SUCCESS, (transfer_event(context, payment),))


def merge(entries: Entries, source: Account, operation: AccountMerge, context: Context) -> Applied:
    """An account ends, and another gets all that it had."""
    if entries.account(operation.destination) is None:
        return Applied(_MERGE.ACCOUNT_MERGE_NO_ACCOUNT)
    obstacle = _merge_obstacle(source, context)
    if obstacle is not None:
        return Applied(obstacle)
    entries.remove(source.key)
    if give(entries, operation.destination, NATIVE, source.balance) is not None:
        return Applied(_MERGE.ACCOUNT_MERGE_DEST_FULL)
    event = moved(
        context,
        NATIVE,
        (source.id, operation.destination),
        source.balance,
        destination_id(context, operation.destination_id),
    )
    code = _MERGE.ACCOUNT_MERGE_SUCCESS
    return Applied(code, (event,), inner_result(code, stellar_xdr.Int64(source.balance)))


def _merge_obstacle(source: Account, context: Context) -> stellar_xdr.AccountMergeResultCode | None:
    code = None
    if source.flags & _IMMUTABLE:
        code = _MERGE.ACCOUNT_MERGE_IMMUTABLE_SET
    elif source.subentries != len(source.signers):
        code = _MERGE.ACCOUNT_MERGE_HAS_SUB_ENTRIES
    elif source.sequence >= context.ledger << _STARTING_SEQUENCE_SHIFT:
        # It could be made again in this ledger, and its transactions be repeated.
        code = _MERGE.ACCOUNT_MERGE_SEQNUM_TOO_FAR
    elif source.sponsoring > 0:
        code = _MERGE.ACCOUNT_MERGE_IS_SPONSOR
    return code


def transfer_event(
    context: Context, operation: CreateAccount | Payment
) -> stellar_xdr.ContractEvent:
    """The event of an operation that went well (CAP-67, "Payment", "Create Account")."""
    if isinstance(operation, CreateAccount):
        asset, amount, muxed = NATIVE, operation.starting_balance, None
    else:
        asset, amount, muxed = operation.asset, operation.amount, operation.destination_id
    route = (operation.source, operation.destination)
    return moved(context, asset, route, amount, destination_id(context, muxed))
