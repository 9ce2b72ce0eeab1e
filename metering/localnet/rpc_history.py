"""Stellar RPC's methods over what the network remembers: transactions, events and ledgers.

Bounds, order, cursors and errors are those of the real server (stellar-rpc, internal/methods).
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import BaseModel, Field
from stellar_sdk import xdr as stellar_xdr

from config.limits import (
    LOCALNET_EVENTS,
    LOCALNET_EVENTS_MAX,
    LOCALNET_SCAN_LEDGERS_MAX,
    LOCALNET_SCAN_TRANSACTIONS_MAX,
    LOCALNET_TRANSACTIONS,
    LOCALNET_TRANSACTIONS_MAX,
)
from metering.localnet.event_filter import EventFilter, checked_filters
from metering.localnet.event_log import (
    Cursor,
    LoggedEvent,
    end_of,
    events_of,
    ledgers_of,
    read_cursor,
)
from metering.localnet.header import Header, close_meta_xdr
from metering.localnet.reading import Reading
from metering.localnet.record import Record
from metering.localnet.rpc_error import INVALID_PARAMS, INVALID_REQUEST, Document, RpcError
from metering.localnet.toid import TOID_MAX, Place, place_of

_CURSOR_CHARACTERS_MAX = 40
_SEQUENCE_MAX = 2**31 - 1


class _Pagination(BaseModel):
    cursor: str | None = Field(default=None, max_length=_CURSOR_CHARACTERS_MAX)
    limit: int | None = Field(default=None, ge=0)


class _Range(BaseModel):
    start: int | None = Field(default=None, alias="startLedger", ge=0, le=_SEQUENCE_MAX)
    pagination: _Pagination | None = None

    @property
    def cursor(self) -> str | None:
        """Where to go on; a range cannot be given besides.

        Raises:
            RpcError: both are there, or neither.
        """
        cursor = self.pagination.cursor if self.pagination is not None else None
        if cursor and self.start:
            raise RpcError(INVALID_PARAMS, "startLedger and cursor cannot both be set")
        if not cursor and not self.start:
            raise RpcError(INVALID_PARAMS, "startLedger must be positive")
        return cursor or None

    def limit(self, usual: int, most: int) -> int:
        """How many are asked for.

        Raises:
            RpcError: more than `most`.
        """
        asked = self.pagination.limit if self.pagination is not None else None
        if asked is not None and asked > most:
            raise RpcError(INVALID_PARAMS, f"limit must not exceed {most}")
        return asked or usual


class _EventsRange(_Range):
    end: int | None = Field(default=None, alias="endLedger", ge=0, le=_SEQUENCE_MAX)
    filters: list[EventFilter] | None = None


class _Hash(BaseModel):
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")


# --- transactions --------------------------------------------------------------------------------


def transaction(params: Any, reading: Reading) -> Document:
    """`getTransaction`."""
    hash_ = _Hash.model_validate(params).hash
    record = reading.transaction(hash_)
    document: Document = {"status": "NOT_FOUND", "txHash": hash_, **_times(reading)}
    if record is None:
        return document
    # Text here, and a number in getTransactions: so does the real server.
    return document | _transaction(record) | {"createdAt": str(record.created_at)}


def transactions(params: Any, reading: Reading) -> Document:
    """`getTransactions`: failed ones too, in order."""
    asked = _Range.model_validate(params)
    limit = asked.limit(LOCALNET_TRANSACTIONS, LOCALNET_TRANSACTIONS_MAX)
    if asked.cursor is None:
        first = Place(_started(asked, reading), 1)
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
        "cursor": str(ended.toid),
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


# --- events --------------------------------------------------------------------------------------


class _Window(NamedTuple):
    """Which events are looked at; `end_ledger` is the first that is not."""

    start: Cursor
    end_ledger: int


def events(params: Any, reading: Reading, *, classic: bool = True) -> Document:
    """`getEvents`.

    Args:
        params: as the client sent them.
        reading: the network.
        classic: False is a node that runs without EMIT_CLASSIC_EVENTS.
    """
    asked = _EventsRange.model_validate(params)
    limit = asked.limit(LOCALNET_EVENTS, LOCALNET_EVENTS_MAX)
    filters = checked_filters(asked.filters or [])
    window = _window(asked, reading)
    found: list[LoggedEvent] = []
    for records in ledgers_of(reading.records(window.start.place, Place(window.end_ledger))):
        # The window begins inside a ledger, but events are numbered through the whole of it.
        whole = events_of(reading.records_of(records[0].ledger))
        found += [
            event
            for event in whole
            if event.cursor >= window.start
            and (classic or not event.classic)
            and (not filters or any(wanted.matches(event) for wanted in filters))
        ]
        if len(found) >= limit:
            break
    listed = found[:limit]
    cursor = listed[-1].cursor if len(listed) == limit else end_of(window.end_ledger - 1)
    return {
        "events": [_event(event) for event in listed],
        "cursor": str(cursor),
        **_times(reading),
    }


def _window(asked: _EventsRange, reading: Reading) -> _Window:
    if asked.cursor is None:
        assert asked.start is not None, "without a cursor there is a start"
        start = Cursor(Place(asked.start))
    elif asked.end:
        raise RpcError(INVALID_PARAMS, "ledger ranges and cursor cannot both be set")
    else:
        start = _after(asked.cursor)
    ledger = start.place.ledger
    if not reading.oldest_ledger <= ledger <= reading.latest.sequence:
        known = f"{reading.oldest_ledger} - {reading.latest.sequence}"
        raise RpcError(INVALID_REQUEST, f"startLedger must be within the ledger range: {known}")
    end = min(reading.latest.sequence + 1, ledger + LOCALNET_SCAN_LEDGERS_MAX)
    if asked.end:
        end = min(end, asked.end)
    records = reading.records(start.place, Place(end))
    if len(records) > LOCALNET_SCAN_TRANSACTIONS_MAX:
        # At least one whole ledger, and no ledger in part.
        end = max(ledger + 1, records[LOCALNET_SCAN_TRANSACTIONS_MAX].ledger)
    return _Window(start, end)


def _after(cursor: str) -> Cursor:
    try:
        read = read_cursor(cursor)
    except ValueError as error:
        raise RpcError(INVALID_PARAMS, str(error)) from error
    return Cursor(read.place, read.event + 1)


def _event(event: LoggedEvent) -> Document:
    record, place = event.record, event.cursor.place
    return {
        "type": event.kind,
        "ledger": record.ledger,
        "ledgerClosedAt": datetime.fromtimestamp(record.created_at, UTC).strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        ),
        "contractId": event.contract,
        "id": str(event.cursor),
        "operationIndex": place.operation,
        "transactionIndex": place.transaction,
        "txHash": record.hash,
        "topic": list(event.topics),
        "value": event.value,
    }


# --- ledgers -------------------------------------------------------------------------------------


def ledgers(params: Any, reading: Reading) -> Document:
    """`getLedgers`: idle ones too."""
    asked = _Range.model_validate(params)
    limit = asked.limit(LOCALNET_TRANSACTIONS, LOCALNET_TRANSACTIONS_MAX)
    if asked.cursor is None:
        first = _started(asked, reading)
    else:
        if not asked.cursor.isdecimal() or int(asked.cursor) > _SEQUENCE_MAX:
            raise RpcError(INVALID_PARAMS, f"invalid cursor {asked.cursor}")
        first = int(asked.cursor) + 1
        if first < reading.oldest_ledger or first > reading.latest.sequence + 1:
            raise RpcError(INVALID_PARAMS, f"cursor ('{asked.cursor}') {_between(reading)}")
    last = min(first + limit - 1, reading.latest.sequence)
    headers = [reading.header(ledger) for ledger in range(first, last + 1)]
    found = [_ledger(header, reading) for header in headers if header is not None]
    return {"ledgers": found, "cursor": str(max(first - 1, last)), **_times(reading)}


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


# --- what they share -----------------------------------------------------------------------------


def _times(reading: Reading) -> Document:
    return {
        "latestLedger": reading.latest.sequence,
        "latestLedgerCloseTime": str(reading.latest.close_time),
        "oldestLedger": reading.oldest_ledger,
        "oldestLedgerCloseTime": str(reading.oldest_close_time),
    }


def _started(asked: _Range, reading: Reading) -> int:
    """The ledger to begin with, which has to be one that is remembered."""
    assert asked.start is not None, "without a cursor there is a start"
    if not reading.oldest_ledger <= asked.start <= reading.latest.sequence:
        raise RpcError(INVALID_REQUEST, f"start ledger {_between(reading)}")
    return asked.start


def _between(reading: Reading) -> str:
    return (
        f"must be between the oldest ledger: {reading.oldest_ledger} and the latest ledger:"
        f" {reading.latest.sequence} for this rpc instance"
    )
