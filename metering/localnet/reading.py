"""The network as somebody sees it who reads, which may be some ledgers behind."""

from collections.abc import Sequence
from dataclasses import dataclass

from metering.localnet.entries import Account, Entries, Entry, Key
from metering.localnet.header import Header
from metering.localnet.history import History
from metering.localnet.record import Record
from metering.toid import Place


@dataclass(frozen=True, slots=True)
class View:
    """How a node that is asked sees the network.

    Args:
        lag_ledgers: how far behind it is.
        classic_events: whether it has EMIT_CLASSIC_EVENTS on.
    """

    lag_ledgers: int = 0
    classic_events: bool = True


TRUE_VIEW = View()


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything as of the ledger `latest`; good until the network changes.

    `close_ms` is the time between ledgers; `fees` are stroops an operation that recent
    transactions were charged, the oldest first; `usage` is 1 when ledgers are full of others'
    transactions.
    """

    passphrase: str
    close_ms: int
    latest: Header
    entries: Entries
    history: History
    fees: Sequence[int]
    usage: int = 0

    @property
    def oldest_ledger(self) -> int:
        """From this ledger on every transaction is remembered."""
        return min(self.history.oldest_ledger, self.latest.sequence)

    @property
    def oldest_close_time(self) -> int:
        """When that ledger closed (seconds); estimated where its header is not remembered."""
        oldest = self.oldest_ledger
        header = self.history.header(oldest, self.close_ms)
        if header is not None:
            return header.close_time
        known = self.history.first_header
        return (known.closed_ms - (known.sequence - oldest) * self.close_ms) // 1000

    def entry(self, key: Key) -> Entry | None:
        return self.entries.get(key)

    def account(self, address: str) -> Account | None:
        return self.entries.account(address)

    def transaction(self, hash_: str) -> Record | None:
        """By the hash (hex) of its envelope, or of what a fee bump wraps."""
        record = self.history.transaction(hash_)
        return record if record is not None and record.ledger <= self.latest.sequence else None

    def has_history(self, address: str) -> bool:
        """True for an account that exists, or has had a part in a remembered payment."""
        if self.account(address) is not None:
            return True
        return any(address in self.history.payers(record) for record in self.records(Place(0)))

    def records(self, first: Place, after: Place | None = None) -> Sequence[Record]:
        """Transactions in order, from `first` on and before `after`."""
        end = Place(self.latest.sequence + 1)
        return self.history.between(first, end if after is None else min(after, end))

    def records_of(self, ledger: int) -> Sequence[Record]:
        """The transactions of one ledger."""
        return self.records(Place(ledger), Place(ledger + 1))

    def header(self, ledger: int) -> Header | None:
        """A ledger's header; None when it is forgotten, or still to come."""
        if not self.oldest_ledger <= ledger <= self.latest.sequence:
            return None
        return self.history.header(ledger, self.close_ms)
