"""Payments that touch one address, in the order in which the chain made them."""

from dataclasses import dataclass
from typing import Protocol

from metering.money import Stroops


class HistoryGap(Exception):
    """The node has forgotten ledgers that were not read yet.

    What happened in them is unknown, so nobody goes on behind them by itself.

    Args:
        cursor: up to where was read.
        oldest: the first ledger that the node still has.
    """

    def __init__(self, cursor: str, oldest: int) -> None:
        super().__init__(f"the node begins at ledger {oldest}, we were at {cursor}")
        self.cursor = cursor
        self.oldest = oldest


@dataclass(frozen=True, slots=True)
class ChainPayment:
    """Money that an operation of a successful transaction moved.

    Args:
        id: the same on every node and over every API, and no other payment's: the transaction's
            hash and the operation's place in it.
        cursor: to ask for what came after it.
        ledger: which one it is part of.
        closed_at: when that closed, in seconds since 1970.
        transaction: its hash.
        source: who paid (G..., C... or a claimable balance, B...).
        destination: who was paid, without a muxed id.
        muxed_id: which of the destination's many owners is meant (SEP-23, M...).
        memo_id: the transaction's memo when that is a number.
        asset: `XLM`, or `CODE:ISSUER`.
        amount: in stroops.
    """

    id: str
    cursor: str
    ledger: int
    closed_at: int
    transaction: str
    source: str
    destination: str
    muxed_id: int | None
    memo_id: int | None
    asset: str
    amount: Stroops


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some payments, the oldest first.

    Args:
        payments: possibly none, although there are more behind them.
        cursor: to go on from. It advances also where nothing was paid.
        ledger: everything up to and with this ledger has been given by now.
        finished: whether the node had nothing behind it.
    """

    payments: tuple[ChainPayment, ...]
    cursor: str
    ledger: int
    finished: bool


class Feed(Protocol):
    """The payments, in and out, of the one address it watches."""

    @property
    def address(self) -> str:
        """The address (G...)."""

    async def after(self, cursor: str | None, limit: int) -> FeedPage:
        """What came behind a cursor; None means from the oldest ledger that the node has.

        Raises:
            HistoryGap: some of it is not to be had any more.
            ChainUnreachable, WrongNetwork: as `chain.Chain`.
        """
