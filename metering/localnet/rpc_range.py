"""What questions about the past have in common: a place to begin, and how many answers."""

from pydantic import BaseModel, Field

from metering.localnet.reading import Reading
from metering.localnet.rpc_error import INVALID_PARAMS, INVALID_REQUEST, Document, RpcError

_CURSOR_CHARACTERS_MAX = 40
SEQUENCE_MAX = 2**31 - 1


class Pagination(BaseModel):
    """How many answers are wanted, and from where on."""

    cursor: str | None = Field(default=None, max_length=_CURSOR_CHARACTERS_MAX)
    limit: int | None = Field(default=None, ge=0)


class Range(BaseModel):
    """A ledger to begin with, or a cursor from an answer before."""

    start: int | None = Field(default=None, alias="startLedger", ge=0, le=SEQUENCE_MAX)
    pagination: Pagination | None = None

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


def times(reading: Reading) -> Document:
    """Which ledgers the node knows; each answer says so."""
    return {
        "latestLedger": reading.latest.sequence,
        "latestLedgerCloseTime": str(reading.latest.close_time),
        "oldestLedger": reading.oldest_ledger,
        "oldestLedgerCloseTime": str(reading.oldest_close_time),
    }


def started(asked: Range, reading: Reading) -> int:
    """The ledger to begin with, which has to be one that is remembered."""
    assert asked.start is not None, "without a cursor there is a start"
    if not reading.oldest_ledger <= asked.start <= reading.latest.sequence:
        raise RpcError(INVALID_REQUEST, f"start ledger {between(reading)}")
    return asked.start


def between(reading: Reading) -> str:
    """The end of the error about a ledger that the node does not know."""
    return (
        f"must be between the oldest ledger: {reading.oldest_ledger} and the latest ledger:"
        f" {reading.latest.sequence} for this rpc instance"
    )
