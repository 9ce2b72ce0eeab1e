"""What a contract call reads and writes, held against the footprint that was declared for it."""

from dataclasses import dataclass, field
from typing import Self

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.contracts.address import key_hash
from metering.localnet.contracts.trap import Trapped
from metering.localnet.entries import (
    Account,
    ContractData,
    Entries,
    Entry,
    Key,
    TimeToLive,
    TrustLine,
    account_key,
    contract_data_key,
    time_to_live_key,
    trust_line_key,
)
from metering.localnet.entry_xdr import key_from_xdr

# Ledgers that a new persistent entry lives, and the most that anything does (Stellar docs,
# "Resource limits and fees", state archival). Nothing is archived here.
PERSISTENT_LEDGERS = 2_073_600
ENTRY_LEDGERS_MAX = 3_110_400


@dataclass(slots=True)
class Footprint:
    """Keys that may be read, and of those the ones that may be written."""

    read: set[Key] = field(default_factory=set)
    written: set[Key] = field(default_factory=set)

    @classmethod
    def declared(cls, footprint: stellar_xdr.LedgerFootprint) -> Self:
        """The footprint of a transaction; the code of contracts is not kept here, so left out."""
        only, both = (
            {key for key in map(key_from_xdr, keys) if key is not None}
            for keys in (footprint.read_only, footprint.read_write)
        )
        return cls(only | both, both)


class Storage:
    """The ledger as one invocation sees it.

    Args:
        entries: changed in place.
        ledger: the one that the invocation is part of.
        declared: what may be touched; None allows all, and `touched` tells what it was.
    """

    def __init__(self, entries: Entries, ledger: int, declared: Footprint | None) -> None:
        self.ledger = ledger
        self.touched = Footprint()
        self._entries = entries
        self._declared = declared

    def account(self, address: str) -> Account | None:
        entry = self._read(account_key(address))
        return entry if isinstance(entry, Account) else None

    def trust_line(self, address: str, asset: str) -> TrustLine | None:
        entry = self._read(trust_line_key(address, asset))
        return entry if isinstance(entry, TrustLine) else None

    def data(
        self, contract: str, key: stellar_xdr.SCVal, persistent: bool = True
    ) -> stellar_xdr.SCVal | None:
        """What a contract keeps under a key; None when that is nothing, or came to its end."""
        place = contract_data_key(contract, key.to_xdr(), persistent)
        entry = self._read(place)
        if not isinstance(entry, ContractData):
            return None
        if not persistent and self._live_until(place) < self.ledger:
            return None
        return stellar_xdr.SCVal.from_xdr(entry.value)

    def put(self, entry: Account | TrustLine) -> None:
        self._write(entry.key)
        self._entries.put(entry)

    def put_data(
        self,
        contract: str,
        key: stellar_xdr.SCVal,
        value: stellar_xdr.SCVal,
        live_until: int | None = None,
    ) -> None:
        """Keep a value: for good, or with `live_until` as a temporary one."""
        entry = ContractData(contract, key.to_xdr(), live_until is None, value.to_xdr())
        self._write(entry.key)
        self._entries.put(entry)
        lives = self._live_until(entry.key)
        if live_until is None and not lives:
            live_until = self.ledger + PERSISTENT_LEDGERS - 1
        if live_until is not None and live_until > lives:
            self._entries.put(TimeToLive(key_hash(entry.key), live_until))

    def expect_write(self, contract: str, key: stellar_xdr.SCVal) -> None:
        """Count a temporary entry as written that only a later call will write."""
        self._write(contract_data_key(contract, key.to_xdr(), persistent=False))

    def begin(self) -> Entries:
        """What follows can be taken back with `roll_back`; returns what to hand to it."""
        below = self._entries
        self._entries = below.draft()
        return below

    def keep(self, below: Entries) -> None:
        """Make everything since `begin` part of what was there before."""
        self._entries.merge(self.ledger)
        self._entries = below

    def roll_back(self, below: Entries) -> None:
        """Forget everything since `begin`."""
        self._entries = below

    def _read(self, key: Key) -> Entry | None:
        if self._declared is not None and key not in self._declared.read:
            raise _outside(key)
        self.touched.read.add(key)
        return self._entries.get(key)

    def _write(self, key: Key) -> None:
        if self._declared is not None and key not in self._declared.written:
            raise _outside(key)
        self.touched.read.add(key)
        self.touched.written.add(key)

    def _live_until(self, key: Key) -> int:
        life = self._entries.get(time_to_live_key(key_hash(key)))
        return life.live_until if isinstance(life, TimeToLive) else 0


def _outside(key: Key) -> Trapped:
    return Trapped("Storage", "ExceededLimit", f"outside of the footprint: {' '.join(key)}")
