"""Stellar RPC's getEvents. Windows, order, cursors and errors are those of the real server."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import Field

from config.limits import (
    LOCALNET_EVENTS,
    LOCALNET_EVENTS_MAX,
    LOCALNET_SCAN_LEDGERS_MAX,
    LOCALNET_SCAN_TRANSACTIONS_MAX,
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
from metering.localnet.reading import Reading
from metering.localnet.rpc_error import INVALID_PARAMS, INVALID_REQUEST, Document, RpcError
from metering.localnet.rpc_range import SEQUENCE_MAX, Range, times
from metering.toid import Place


class _EventsRange(Range):
    end: int | None = Field(default=None, alias="endLedger", ge=0, le=SEQUENCE_MAX)
    filters: list[EventFilter] | None = None


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
        whole = events_of(reading.records_of(records[0].ledger), reading.passphrase)
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
        **times(reading),
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
