"""What operations that move money do: create_account and payment."""

from dataclasses import replace

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.context import Context
from metering.localnet.entries import BASE_RESERVE, INT64_MAX, NATIVE, Account, Entries
from metering.localnet.events import destination_id, moved
from metering.localnet.operation import CreateAccount, Payment
from metering.localnet.results import Applied
from metering.localnet.xdr_values import split_asset

_CREATE = stellar_xdr.CreateAccountResultCode
_PAYMENT = stellar_xdr.PaymentResultCode

_STARTING_SEQUENCE_SHIFT = 32  # a new account's sequence number is its ledger's, shifted


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


def pay(entries: Entries, source: Account, payment: Payment, context: Context) -> Applied:
    """An amount of any asset from one account to another."""
    code = (
        _native(entries, source, payment) if payment.asset == NATIVE else _credit(entries, payment)
    )
    if code != _PAYMENT.PAYMENT_SUCCESS:
        return Applied(code)
    return Applied(code, (transfer_event(context, payment),))


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


def _native(entries: Entries, source: Account, payment: Payment) -> stellar_xdr.PaymentResultCode:
    destination = entries.account(payment.destination)
    if destination is None:
        return _PAYMENT.PAYMENT_NO_DESTINATION
    if destination.id == source.id:
        return _PAYMENT.PAYMENT_SUCCESS
    if destination.balance + payment.amount > INT64_MAX:
        return _PAYMENT.PAYMENT_LINE_FULL
    if source.balance - payment.amount < source.reserve:
        return _PAYMENT.PAYMENT_UNDERFUNDED
    entries.put(replace(source, balance=source.balance - payment.amount))
    entries.put(replace(destination, balance=destination.balance + payment.amount))
    return _PAYMENT.PAYMENT_SUCCESS


def _credit(entries: Entries, payment: Payment) -> stellar_xdr.PaymentResultCode:
    """The destination's trust line first, then the source's, as stellar-core does.

    An issuer has no trust line in its own asset: it mints by paying and burns by being paid.
    """
    issuer = split_asset(payment.asset)[1]
    if entries.account(payment.destination) is None:
        return _PAYMENT.PAYMENT_NO_DESTINATION
    if payment.destination != issuer:
        line = entries.trust_line(payment.destination, payment.asset)
        if line is None:
            return _PAYMENT.PAYMENT_NO_TRUST
        if line.balance + payment.amount > line.limit:
            return _PAYMENT.PAYMENT_LINE_FULL
        entries.put(replace(line, balance=line.balance + payment.amount))
    if payment.source != issuer:
        line = entries.trust_line(payment.source, payment.asset)
        if line is None:
            return _PAYMENT.PAYMENT_SRC_NO_TRUST
        if line.balance < payment.amount:
            return _PAYMENT.PAYMENT_UNDERFUNDED
        entries.put(replace(line, balance=line.balance - payment.amount))
    return _PAYMENT.PAYMENT_SUCCESS
