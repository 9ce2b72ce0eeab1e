"""What each of chain, journal and outbox says of the same ledgers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from metering.settlement.outbox import State


def place_of(event: str) -> int:
    """The place of an event's operation in its transaction, from 0 on."""
    return int(event.rpartition(":")[2].partition(".")[0])


@dataclass(frozen=True, slots=True)
class Movement:
    """A payment as the chain has it; fields as `feed.ChainPayment`."""

    event: str
    ledger: int
    closed_at: int
    transaction: str
    source: str
    destination: str
    asset: str
    amount: int

    @property
    def place(self) -> int:
        """Of its operation in the transaction, from 0 on."""
        return place_of(self.event)


@dataclass(frozen=True, slots=True)
class Taken:
    """A payment as it was booked when it came in.

    `posted` is what the journal's entry of it moved, None without one.
    """

    event: str
    ledger: int
    asset: str
    amount: int
    posted: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """A payment of a settlement. `alone` is one that no account gets, or that comes from none: a
    claimable balance, of which Horizon's feed says nothing.
    """

    id: str
    address: str
    amount: int
    posted: int | None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """A settlement as the outbox has it.

    Args:
        source: whose sequence number it uses.
        hashes: of its envelope and of every bump; `latest` is what was sent last.
        lines: in the order of the transaction's operations.
        confirmed: what a node said when it was asked for it: whether it was applied.
    """

    id: str
    state: State
    asset: str
    source: str
    hashes: frozenset[str]
    latest: str
    max_time: int
    ledger: int | None
    lines: tuple[Line, ...]
    confirmed: bool | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """How far the chain is; `close_time` in seconds of its time."""

    ledger: int
    close_time: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything about some ledgers.

    Args:
        movements: of them.
        taken: payments that our books put into them.
        settled: those that the outbox puts into them, and those whose transactions are in them.
        collected: hashes of transactions that asked payment channels to pay, and whether our books
            know how each ended.
        contracts: payment channels among who paid.
    """

    movements: tuple[Movement, ...] = ()
    taken: tuple[Taken, ...] = ()
    settled: tuple[Settled, ...] = ()
    collected: Mapping[str, bool] = field(default_factory=dict)
    contracts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Suspended:
    """Money that waits for the operator's decision."""

    event: str
    ledger: int
    transaction: str
    source: str
    asset: str
    amount: int
    reason: str


@dataclass(frozen=True, slots=True)
class Posted:
    """An entry of the journal about the chain that nothing explains."""

    id: str
    account: str
    asset: str
    amount: int


@dataclass(frozen=True, slots=True)
class Books:
    """What our books say, all at one moment, for comparing with what accounts hold at a ledger.

    Args:
        balances: of the ledger's accounts that stand for the chain; below zero what lies there.
        ahead: how much of that was booked of later ledgers, by account; as it changed the balance.
        unbooked: what that ledger and earlier ones moved and is not booked, by address and asset.
        fees: what the operator's own transactions may have cost an address in lumens, at most.
    """

    balances: Mapping[str, int] = field(default_factory=dict)
    ahead: Mapping[str, int] = field(default_factory=dict)
    unbooked: Mapping[tuple[str, str], int] = field(default_factory=dict)
    fees: Mapping[str, int] = field(default_factory=dict)
