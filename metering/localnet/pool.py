"""Transactions that wait for a ledger: one per source account, the best paid first."""

from dataclasses import dataclass
from fractions import Fraction

from metering.localnet.envelope import Envelope

# A replacement has to bid this many times the old rate (stellar-core, FEE_MULTIPLIER).
REPLACEMENT_FACTOR = 10
# Ledgers after which a transaction that found no room is dropped, and then refused for as many
# (stellar-core, TransactionQueue: pending depth and ban depth).
PENDING_LEDGERS_MAX = 4
BAN_LEDGERS = 10


@dataclass(frozen=True, slots=True)
class Pending:
    """A waiting transaction. `not_before` is the first ledger that may take it."""

    envelope: Envelope
    not_before: int

    @property
    def rate(self) -> Fraction:
        """Stroops bid for each operation."""
        return Fraction(self.envelope.inclusion_fee, self.envelope.operations_charged)


class Pool:
    """The transactions of the ledgers to come."""

    def __init__(self) -> None:
        self._pending: dict[bytes, Pending] = {}
        self._banned: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def __contains__(self, hash_: bytes) -> bool:
        return hash_ in self._pending

    def of_source(self, source: str) -> Pending | None:
        """The one waiting transaction of an account."""
        for pending in self._pending.values():
            if pending.envelope.transaction.source == source:
                return pending
        return None

    def replaces(self, envelope: Envelope, old: Pending) -> bool:
        """True when `envelope` is a fee bump that may push `old` out."""
        new = Pending(envelope, old.not_before)
        same = envelope.transaction.sequence == old.envelope.transaction.sequence
        return envelope.is_fee_bump and same and new.rate >= REPLACEMENT_FACTOR * old.rate

    def is_banned(self, hash_: bytes, ledger: int) -> bool:
        """True for a transaction that waited in vain a short while ago."""
        return self._banned.get(hash_, 0) > ledger

    def add(self, pending: Pending) -> None:
        self._pending[pending.envelope.hash] = pending

    def drop(self, pending: Pending) -> None:
        del self._pending[pending.envelope.hash]

    def ready(self, ledger: int) -> list[Pending]:
        """What `ledger` may take, the highest rate first; earlier arrivals first among equals."""
        ready = [pending for pending in self._pending.values() if pending.not_before <= ledger]
        return sorted(ready, key=lambda pending: -pending.rate)

    def age(self, ledger: int) -> None:
        """After `ledger` closed: drop and ban what found no room for too long."""
        for pending in list(self._pending.values()):
            if ledger - pending.not_before + 1 >= PENDING_LEDGERS_MAX:
                self.drop(pending)
                self._banned[pending.envelope.hash] = ledger + BAN_LEDGERS
        self._banned = {h: until for h, until in self._banned.items() if until > ledger}
