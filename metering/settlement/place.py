"""A place in a chain's history as one number (SEP-35), which both APIs count by."""

from typing import NamedTuple

_TRANSACTION_MAX = (1 << 20) - 1
_OPERATION_MAX = (1 << 12) - 1
_LEDGER_SHIFT = 32
_TRANSACTION_SHIFT = 12
_NUMBER_MAX = (1 << 63) - 1
# RPC numbers the events of an operation; one behind them all that it still can add one to.
_EVENT_MAX = (1 << 32) - 2


class BadCursor(ValueError):
    """Not a place in a chain's history."""


class Place(NamedTuple):
    """An operation, by its number from 1 on in a transaction, by its number from 1 on in a ledger.

    Operation 0 is before all of them, `_MAX` behind.
    """

    ledger: int
    transaction: int
    operation: int

    @property
    def cursor(self) -> str:
        """As Horizon writes it; everything up to and with this operation is behind us."""
        number = self.ledger << _LEDGER_SHIFT | self.transaction << _TRANSACTION_SHIFT
        return str(number | self.operation)

    @property
    def event_cursor(self) -> str:
        """The same for RPC's events. It counts operations from 0 on."""
        number = int(self.cursor) - 1
        return f"{number:019d}-{_EVENT_MAX:010d}"

    @property
    def transaction_cursor(self) -> str:
        """For RPC's transactions: to be given this one and all that follow."""
        return Place(self.ledger, max(0, self.transaction - 1), 1).cursor

    @property
    def next_ledger(self) -> int:
        """The first ledger of which something is still ahead."""
        return self.ledger + (self.transaction == _TRANSACTION_MAX)


def end_of(ledger: int) -> Place:
    """Behind everything in a ledger."""
    return Place(ledger, _TRANSACTION_MAX, _OPERATION_MAX)


def end_of_transaction(ledger: int, transaction: int) -> Place:
    """Behind every operation of a transaction."""
    return Place(ledger, transaction, _OPERATION_MAX)


def place_at(cursor: str) -> Place:
    """The inverse of `Place.cursor`.

    Raises:
        BadCursor: not one.
    """
    if not (cursor.isascii() and cursor.isdecimal()) or int(cursor) > _NUMBER_MAX:
        raise BadCursor(f"not a cursor: {cursor[:40]!r}")
    number = int(cursor)
    return Place(
        number >> _LEDGER_SHIFT,
        number >> _TRANSACTION_SHIFT & _TRANSACTION_MAX,
        number & _OPERATION_MAX,
    )


def event_place(number: int) -> Place:
    """Where the operation is that an event belongs to, by the first part of the event's id."""
    ledger, transaction, operation = place_at(str(number))
    return Place(ledger, transaction, min(operation + 1, _OPERATION_MAX))
