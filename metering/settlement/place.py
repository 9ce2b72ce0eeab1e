"""How far a chain's history was read, as both APIs are asked for what follows."""

from metering.toid import OPERATION_MAX, TOID_MAX, TRANSACTION_MAX, Place, place_of

# RPC numbers the events of an operation; one behind them all that it still can add one to.
_EVENT_MAX = (1 << 32) - 2


class BadCursor(ValueError):
    """Not a place in a chain's history."""


def place_at(cursor: str) -> Place:
    """The inverse of `Place.cursor`. Operations count from 1 on; 0 is before all of them.

    Raises:
        BadCursor: not one.
    """
    if not (cursor.isascii() and cursor.isdecimal()) or int(cursor) > TOID_MAX:
        raise BadCursor(f"not a cursor: {cursor[:40]!r}")
    return place_of(int(cursor))


def event_cursor(place: Place) -> str:
    """`Place.cursor` for RPC's events. It counts operations from 0 on."""
    return f"{place.toid - 1:019d}-{_EVENT_MAX:010d}"


def event_place(number: int) -> Place:
    """Where the operation is that an event belongs to, by the first part of the event's id."""
    ledger, transaction, operation = place_at(str(number))
    return Place(ledger, transaction, min(operation + 1, OPERATION_MAX))


def transaction_cursor(place: Place) -> str:
    """For RPC's transactions: to be given this one and all that follow."""
    return Place(place.ledger, max(0, place.transaction - 1), 1).cursor


def next_ledger(place: Place) -> int:
    """The first ledger of which something is still ahead."""
    return place.ledger + (place.transaction == TRANSACTION_MAX)


def end_of(ledger: int) -> Place:
    """Behind everything in a ledger."""
    return Place(ledger, TRANSACTION_MAX, OPERATION_MAX)


def end_of_transaction(ledger: int, transaction: int) -> Place:
    """Behind every operation of a transaction."""
    return Place(ledger, transaction, OPERATION_MAX)
