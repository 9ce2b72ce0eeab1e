"""What was signed, so that nothing is signed twice and a day's sum is known."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from config.limits import SIGNER_DAY_MS, SIGNER_MEMORY_MS
from metering.settlement.transaction import Slot


@dataclass(frozen=True, slots=True)
class Entry:
    """A settlement that was signed.

    Args:
        settlement: its id.
        at_ms: when, by the signer's clock.
        asset: what it pays.
        outflow: how much of it leaves our accounts, in stroops.
        slot: of its transaction: together with what was planned, this is all that it says.
        ledger: the last one that had closed before.
        hash: of its transaction, which tells whether the plan still is what it was.
        fee: the highest bid, in stroops of lumens.
    """

    settlement: str
    at_ms: int
    asset: str
    outflow: int
    slot: Slot
    ledger: int
    hash: str
    fee: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What was signed within the last day: sums by asset, fees in lumens, how many settlements."""

    by_asset: Mapping[str, int]
    fees: int
    settlements: int


class Register(Protocol):
    """What was signed lately: at least for as long as any of it could be applied."""

    def of(self, settlement: str) -> Entry | None:
        """How a settlement was signed; None when it was not, or long ago."""

    def by_hash(self, hash_: str) -> Entry | None:
        """What was signed with this hash."""

    def spent(self, now_ms: int) -> Spent:
        """What was signed within a day before now."""

    def add(self, entry: Entry) -> None:
        """Keep a new one, or one that has a higher bid. Returns when it would survive a crash."""


class MemoryRegister:
    """Implements `Register`: also what the one on the disk has in memory.

    Entries come in the order of their times; a clock that was set back does not make room.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._by_settlement: dict[str, Entry] = {}
        self._by_hash: dict[str, str] = {}
        self._order: deque[str] = deque()
        for entry in entries:
            self.add(entry)

    def __len__(self) -> int:
        return len(self._by_settlement)

    def of(self, settlement: str) -> Entry | None:
        return self._by_settlement.get(settlement)

    def by_hash(self, hash_: str) -> Entry | None:
        settlement = self._by_hash.get(hash_)
        return None if settlement is None else self._by_settlement[settlement]

    def spent(self, now_ms: int) -> Spent:
        by_asset: dict[str, int] = {}
        fees = settlements = 0
        for settlement in reversed(self._order):
            entry = self._by_settlement[settlement]
            if entry.at_ms <= now_ms - SIGNER_DAY_MS:
                break
            by_asset[entry.asset] = by_asset.get(entry.asset, 0) + entry.outflow
            fees += entry.fee
            settlements += 1
        return Spent(by_asset, fees, settlements)

    def add(self, entry: Entry) -> None:
        known = self._by_settlement.get(entry.settlement)
        if known is None:
            last_ms = self._by_settlement[self._order[-1]].at_ms if self._order else entry.at_ms
            entry = replace(entry, at_ms=max(entry.at_ms, last_ms))
            self._order.append(entry.settlement)
            self._by_hash[entry.hash] = entry.settlement
        self._by_settlement[entry.settlement] = entry
        self._forget(entry.at_ms - SIGNER_MEMORY_MS)

    def entries(self) -> list[Entry]:
        """All that is remembered, the oldest first."""
        return [self._by_settlement[settlement] for settlement in self._order]

    def _forget(self, before_ms: int) -> None:
        while self._by_settlement[self._order[0]].at_ms < before_ms:
            del self._by_hash[self._by_settlement.pop(self._order.popleft()).hash]
