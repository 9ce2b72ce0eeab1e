"""Stellar RPC's methods over transactions and ledgers that the network remembers.

Bounds, order, cursors and errors are those of the real server (stellar-rpc, internal/methods).
"""

from typing import Any

from pydantic import BaseModel, Field
from stellar_sdk import xdr as stellar_xdr

from config.limits import LOCALNET_TRANSACTIONS, LOCALNET_TRANSACTIONS_MAX
from metering.localnet.header import Header, close_meta_xdr
from metering.localnet.reading import Reading
from metering.localnet.record import Record
from metering.localnet.rpc_error import INVALID_PARAMS, Document, RpcError
from metering.localnet.rpc_range import SEQUENCE_MAX, Range, between, started, times
from metering.toid import TOID_MAX, Place, place_of


class _Hash(BaseModel):
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")


# --- transactions --------------------------------------------------------------------------------


def transaction(params: Any, reading: Reading) -> Document:
    """`getTransaction`."""
    hash_ = _Hash.model_validate(params).hash
    record = reading.transaction(hash_)
    document: Document = {"status": "NOT_FOUND", "txHash": hash_, **times(reading)}
    if record is None:
        return document
    # Text here, and a number in getTransactions: so does the real server.
    return document | _transaction(record) | {"createdAt": str(record.created_at)}


def transactions(params: Any, reading: Reading) -> Document:
    """`getTransactions`: failed ones too, in order."""
    asked = Range.model_validate(params)
    limit = asked.limit(LOCALNET_TRANSACTIONS, LOCALNET_TRANSACTIONS_MAX)
    if asked.cursor is None:
        first = Place(started(asked, reading), 1)
    else:
        last = _place(asked.cursor, reading)
        first = Place(last.ledger, last.transaction + 1)
    found = reading.records(first)[:limit]
    latest = reading.latest.sequence
    ended = Place(latest, len(reading.records_of(latest)), 1)
    if len(found) == limit:
        ended = Place(found[-1].ledger, found[-1].order, 1)
    elif first.ledger > latest:
        ended = Place(0)  # What the real server answers to a cursor that is ahead of it.
    return {
        "transactions": [_transaction(record) | {"txHash": record.hash} for record in found],
        "latestLedger": reading.latest.sequence,
        "latestLedgerCloseTimestamp": reading.latest.close_time,
        "oldestLedger": reading.oldest_ledger,
        "oldestLedgerCloseTimestamp": reading.oldest_close_time,
        "cursor": ended.cursor,
    }


def _place(cursor: str, reading: Reading) -> Place:
    if not cursor.isdecimal() or int(cursor) > TOID_MAX:
        raise RpcError(INVALID_PARAMS, f"invalid cursor {cursor}")
    place = place_of(int(cursor))
    if place.ledger < reading.oldest_ledger:
        raise RpcError(
            INVALID_PARAMS, f"database does not contain metadata for ledger: {place.ledger}"
        )
    return place


def _transaction(record: Record) -> Document:
    meta = stellar_xdr.TransactionMeta.from_xdr(record.meta_xdr).v4
    assert meta is not None, "the network writes metas of version 4"
    return {
        "status": "SUCCESS" if record.successful else "FAILED",
        "applicationOrder": record.order,
        "feeBump": record.is_fee_bump,
        "envelopeXdr": record.envelope_xdr,
        "resultXdr": record.result_xdr,
        "resultMetaXdr": record.meta_xdr,
        "events": {
            "transactionEventsXdr": [event.to_xdr() for event in meta.events],
            "contractEventsXdr": [
                [event.to_xdr() for event in operation.events] for operation in meta.operations
            ],
        },
        "ledger": record.ledger,
        "createdAt": record.created_at,
    }


# --- ledgers -------------------------------------------------------------------------------------


def ledgers(params: Any, reading: Reading) -> Document:
    """`getLedgers`: idle ones too."""
    asked = Range.model_validate(params)
    limit = asked.limit(LOCALNET_TRANSACTIONS, LOCALNET_TRANSACTIONS_MAX)
    if asked.cursor is None:
        first = started(asked, reading)
    else:
        if not asked.cursor.isdecimal() or int(asked.cursor) > SEQUENCE_MAX:
            raise RpcError(INVALID_PARAMS, f"invalid cursor {asked.cursor}")
        first = int(asked.cursor) + 1
        if first < reading.oldest_ledger or first > reading.latest.sequence + 1:
            raise RpcError(INVALID_PARAMS, f"cursor ('{asked.cursor}') {between(reading)}")
    last = min(first + limit - 1, reading.latest.sequence)
    headers = [reading.header(ledger) for ledger in range(first, last + 1)]
    found = [_ledger(header, reading) for header in headers if header is not None]
    return {"ledgers": found, "cursor": str(max(first - 1, last)), **times(reading)}


def _ledger(header: Header, reading: Reading) -> Document:
    meta = close_meta_xdr(header, reading.records_of(header.sequence))
    assert meta.v0 is not None
    return {
        "hash": header.hash.hex(),
        "sequence": header.sequence,
        "ledgerCloseTime": str(header.close_time),
        "headerXdr": meta.v0.ledger_header.to_xdr(),
        "metadataXdr": meta.to_xdr(),
    }
