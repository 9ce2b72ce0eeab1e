"""What the network remembers: transactions in order, and the headers of ledgers with any."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from metering.localnet.balance_changes import balance_changes
from metering.localnet.envelope import read_parts
from metering.localnet.header import Header, idle
from metering.localnet.operation import AccountMerge, CreateAccount, InvokeHostFunction, Payment
from metering.localnet.record import Record
from metering.toid import Place


class History:
    """Grows with every ledger that is not idle; whole ledgers are forgotten, the oldest first.

    Args:
        passphrase: the network's.
        oldest_ledger: from this one on every transaction is remembered.
        bytes_max: how much of old transactions is remembered; the newest ledger always is.
    """

    def __init__(self, passphrase: str, oldest_ledger: int, bytes_max: int) -> None:
        self.oldest_ledger = oldest_ledger
        self._passphrase = passphrase
        self._bytes_max = bytes_max
        self._bytes = 0
        self._headers: list[Header] = []
        self._records: list[Record] = []
        self._by_hash: dict[str, Record] = {}
        self._payers: dict[str, frozenset[str]] = {}

    def remember(self, headers: Iterable[Header], records: Iterable[Record]) -> None:
        """Add what closed, in order."""
        self._headers += headers
        for record in records:
            self._records.append(record)
            self._by_hash[record.hash] = record
            if record.is_fee_bump:
                self._by_hash[record.inner_hash] = record
            self._bytes += record.size
        while self._bytes > self._bytes_max and self._records[0].ledger < self._records[-1].ledger:
            self.forget_before(self._records[0].ledger + 1)

    def forget_before(self, ledger: int) -> None:
        """Remember nothing of the ledgers before this one."""
        forgotten = self._position(Place(ledger))
        for record in self._records[:forgotten]:
            self._by_hash.pop(record.hash, None)
            self._by_hash.pop(record.inner_hash, None)
            self._payers.pop(record.hash, None)
            self._bytes -= record.size
        del self._records[:forgotten]
        # The header that idle ledgers from there on are counted from stays.
        del self._headers[: max(0, self._header_position(ledger) - 1)]
        self.oldest_ledger = max(self.oldest_ledger, ledger)

    def transaction(self, hash_: str) -> Record | None:
        """By the hash (hex) of its envelope, or of what a fee bump wraps."""
        return self._by_hash.get(hash_)

    def payers(self, record: Record) -> frozenset[str]:
        """Who pays or is paid in a remembered transaction; found out once."""
        known = self._payers.get(record.hash)
        if known is None:
            known = self._payers[record.hash] = _payers(record, self._passphrase)
        return known

    def between(self, first: Place, after: Place) -> Sequence[Record]:
        """The transactions from `first` on, before `after`; operations in places do not count."""
        return self._records[self._position(first) : self._position(after)]

    def header(self, ledger: int, close_ms: int) -> Header | None:
        """A ledger's header, idle or not; None for one before any that is remembered.

        Args:
            ledger: not later than the one that closed last.
            close_ms: time between idle ledgers.
        """
        position = self._header_position(ledger)
        if position == 0:
            return None
        last = self._headers[position - 1]
        return idle(last, ledger - last.sequence, close_ms)

    @property
    def first_header(self) -> Header:
        """The oldest header that is remembered."""
        return self._headers[0]

    def _header_position(self, ledger: int) -> int:
        return bisect_right(self._headers, ledger, key=lambda header: header.sequence)

    def _position(self, place: Place) -> int:
        start = (place.ledger, place.transaction)
        return bisect_left(self._records, start, key=lambda record: (record.ledger, record.order))


def _payers(record: Record, passphrase: str) -> frozenset[str]:
    found: set[str] = set()
    for index, operation in enumerate(read_parts(record.envelope_xdr).operations):
        if isinstance(operation, CreateAccount | Payment | AccountMerge):
            found |= {operation.source, operation.destination}
        elif isinstance(operation, InvokeHostFunction):
            for change in balance_changes(record, index, passphrase):
                found |= {change.source, change.target}
    return frozenset(found)
