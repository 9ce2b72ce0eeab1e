"""Places in a chain's history as one number (SEP-35: total order ids), which both APIs count by."""

from typing import NamedTuple

TRANSACTION_MAX = (1 << 20) - 1
OPERATION_MAX = (1 << 12) - 1
TOID_MAX = (1 << 63) - 1

_LEDGER_SHIFT = 32
_TRANSACTION_SHIFT = 12


class Place(NamedTuple):
    """A ledger, a transaction in it (from 1) and an operation in that; places are in order."""

    ledger: int
    transaction: int = 0
    operation: int = 0

    @property
    def toid(self) -> int:
        return (
            self.ledger << _LEDGER_SHIFT | self.transaction << _TRANSACTION_SHIFT | self.operation
        )

    @property
    def cursor(self) -> str:
        """As Horizon writes it; everything up to and with this operation is behind us."""
        return str(self.toid)


def place_of(toid: int) -> Place:
    """The place that a total order id stands for."""
    return Place(
        toid >> _LEDGER_SHIFT, toid >> _TRANSACTION_SHIFT & TRANSACTION_MAX, toid & OPERATION_MAX
    )
