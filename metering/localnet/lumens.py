"""How many lumens are held by accounts, claimable balances and contracts."""

from collections.abc import Iterable
from functools import lru_cache

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.contracts.address import asset_address
from metering.localnet.contracts.asset_contract import balance_of
from metering.localnet.entries import NATIVE, Account, ClaimableBalance, ContractData, Entry

# Balances are counted at each ledger, and few of them change.
_BALANCES_KEPT = 4096


def lumens(entries: Iterable[Entry], passphrase: str) -> int:
    """Stroops of lumens in all of these entries."""
    contract = asset_address(NATIVE, passphrase)
    total = 0
    for entry in entries:
        if isinstance(entry, Account):
            total += entry.balance
        elif isinstance(entry, ClaimableBalance) and entry.asset == NATIVE:
            total += entry.amount
        elif isinstance(entry, ContractData) and entry.contract == contract and entry.persistent:
            total += _balance(entry.data_key, entry.value)
    return total


@lru_cache(_BALANCES_KEPT)
def _balance(data_key: str, value: str) -> int:
    # What an asset's contract keeps for good is itself, and balances under keys that are vectors.
    if stellar_xdr.SCVal.from_xdr(data_key).vec is None:
        return 0
    return balance_of(stellar_xdr.SCVal.from_xdr(value))
