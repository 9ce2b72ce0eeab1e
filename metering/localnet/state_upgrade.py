"""Transactions that an earlier version kept without events are given them (CAP-67)."""

from dataclasses import replace

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.context import Context
from metering.localnet.envelope import Envelope, read_envelope
from metering.localnet.events import fee_charged
from metering.localnet.operation import CreateAccount, Payment
from metering.localnet.payments import transfer_event
from metering.localnet.record import Record


def with_events(record: Record, passphrase: str) -> Record:
    """The same transaction with the events that it would have emitted.

    That version knew two operations that move money, and these tell all there is to know.
    """
    meta = stellar_xdr.TransactionMeta.from_xdr(record.meta_xdr)
    assert meta.v4 is not None, "the network writes metas of version 4"
    envelope = read_envelope(record.envelope_xdr, passphrase)
    meta.v4.events = [fee_charged(envelope, record.fee_charged, passphrase)]
    for index, done in enumerate(meta.v4.operations):
        done.events = _events(envelope, index, record, passphrase)
    return replace(record, meta_xdr=meta.to_xdr())


def _events(
    envelope: Envelope, index: int, record: Record, passphrase: str
) -> list[stellar_xdr.ContractEvent]:
    transaction = envelope.transaction
    operation = transaction.operations[index]
    if not isinstance(operation, CreateAccount | Payment):
        return []
    context = Context(passphrase, record.ledger, record.created_at, transaction, index)
    return [transfer_event(context, operation)]
