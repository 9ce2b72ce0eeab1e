"""A transaction's meta with its events, which an earlier version did not write (CAP-67)."""

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.context import Context
from metering.localnet.envelope import Envelope, read_envelope
from metering.localnet.events import fee_charged
from metering.localnet.operation import CreateAccount, Payment
from metering.localnet.payments import transfer_event
from metering.localnet.record import Record


def told_meta(record: Record, passphrase: str) -> stellar_xdr.TransactionMetaV4:
    """The meta of a remembered transaction.

    Every transaction has the event of its fee, so one without any is of that earlier version. It is
    given those that it would have emitted: that version knew two operations that move money, and
    they tell all there is to know.
    """
    meta = stellar_xdr.TransactionMeta.from_xdr(record.meta_xdr).v4
    assert meta is not None, "the network writes metas of version 4"
    if not meta.events:
        envelope = read_envelope(record.envelope_xdr, passphrase)
        meta.events = [fee_charged(envelope, record.fee_charged, passphrase)]
        for index, done in enumerate(meta.operations):
            done.events = _events(envelope, index, record, passphrase)
    return meta


def _events(
    envelope: Envelope, index: int, record: Record, passphrase: str
) -> list[stellar_xdr.ContractEvent]:
    transaction = envelope.transaction
    operation = transaction.operations[index]
    if not isinstance(operation, CreateAccount | Payment):
        return []
    context = Context(passphrase, record.ledger, record.created_at, transaction, index)
    return [transfer_event(context, operation)]
