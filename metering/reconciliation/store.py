"""What the reconciler remembers, and where it reads what our books say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from metering.ledger.ledger import Account, Transfer
from metering.reconciliation.difference import Difference


class NoSuchDifference(Exception):
    """No difference with that key is open."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Up to where an address's feed was read.

    `sequence` is the highest number of its own that nobody has to explain.
    """

    cursor: str
    ledger: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything up to this ledger, and this position of the journal, was looked at for good."""

    ledger: int
    position: int


@dataclass(frozen=True, slots=True)
class Open:
    """A difference that is not over."""

    difference: Difference
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """A day's report as it is kept: a JSON text. `final`: the day is over."""

    day: date
    document: str
    final: bool


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass comes to.

    Args:
        differences: all that are there now, by key.
        checked: keys that were looked at; an open one of them that is not there is over.
        progress: how far it came.
        report: of the day.
        at: when.
    """

    differences: Mapping[str, Difference]
    checked: frozenset[str]
    progress: Progress
    report: Report
    at: datetime


@dataclass(frozen=True, slots=True)
class MadeGood:
    """A difference that somebody accepted.

    Args:
        difference: as it was shown.
        by: who accepted it.
        at: when.
        accounts: to be opened for the transfers.
        transfers: what makes it good.
        withdrawal: which one turned out to be paid.
    """

    difference: Difference
    by: str
    at: datetime
    accounts: Sequence[Account]
    transfers: Sequence[Transfer]
    withdrawal: str | None


@dataclass(frozen=True, slots=True)
class Digests:
    """What was compared, each as one hash (SHA-256, hexadecimal), and how much of it there was."""

    movements: int
    chain: str
    settlements: int
    outbox: str
    seal: str
