"""Where splits are kept and carried out, and the keeper in memory."""

from collections.abc import Sequence
from typing import Protocol

from metering.ledger.ledger import Ledger
from metering.money import Stroops
from metering.shares.splits import Share, Split, share_accounts, share_transfers, unsplit_account


class SplitStore(Protocol):
    """What `split_store` and `split_store_postgres` both do."""

    async def keep(self, split: Split) -> None:
        """Remember a split; it is never changed or forgotten."""

    async def get(self, split_id: str) -> Split | None:
        """The split of that id."""

    async def assign(self, target: str, shares: Sequence[Share]) -> None:
        """From now on the target, a source or an asset, is shared so; with no shares, not."""

    async def assigned(self, target: str) -> tuple[Share, ...]:
        """How a target is shared; empty when it is not."""

    async def assigned_first(self, targets: Sequence[str]) -> tuple[Share, ...]:
        """How the first of these targets is shared that is; empty when none is."""

    async def unsplit(self, limit: int) -> list[tuple[str, str]]:
        """Splits and currencies in which money waits to be shared out, at most so many."""

    async def waiting_for(self, account: str, asset: str) -> Stroops:
        """An account's shares of all that waits."""

    async def share_out(self, split_id: str, asset: str) -> Stroops:
        """Move what waits to those whose it is, all or nothing; how much it was."""


class MemorySplitStore:
    """Implements `SplitStore`. Lost with the process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._splits: dict[str, Split] = {}
        self._assigned: dict[str, tuple[Share, ...]] = {}
        self._moved: dict[tuple[str, str], int] = {}

    async def keep(self, split: Split) -> None:
        self._splits.setdefault(split.id, split)

    async def get(self, split_id: str) -> Split | None:
        return self._splits.get(split_id)

    async def assign(self, target: str, shares: Sequence[Share]) -> None:
        self._assigned[target] = tuple(shares)

    async def assigned(self, target: str) -> tuple[Share, ...]:
        return self._assigned.get(target, ())

    async def assigned_first(self, targets: Sequence[str]) -> tuple[Share, ...]:
        found = (shares for each in targets if (shares := self._assigned.get(each)))
        return next(found, ())

    async def unsplit(self, limit: int) -> list[tuple[str, str]]:
        balances = await self._ledger.balances("unsplit:")
        return [split_of_account(name) for name, held in balances.items() if held > 0][:limit]

    async def waiting_for(self, account: str, asset: str) -> Stroops:
        balances = await self._ledger.balances("unsplit:")
        waiting = {split_of_account(name): held for name, held in balances.items()}
        return Stroops(
            sum(
                self._splits[split_id].due_to(
                    account, self._moved.get((split_id, currency), 0), held
                )
                for (split_id, currency), held in waiting.items()
                if currency == asset
            )
        )

    async def share_out(self, split_id: str, asset: str) -> Stroops:
        split = self._splits[split_id]
        moved = self._moved.get((split_id, asset), 0)
        waiting = await self._ledger.balance(unsplit_account(split_id, asset).id)
        await self._ledger.open_accounts(share_accounts(split, asset))
        await self._ledger.post(share_transfers(split, asset, moved, moved + waiting))
        self._moved[split_id, asset] = moved + waiting
        return waiting


def split_of_account(name: str) -> tuple[str, str]:
    """The split and the currency of an account of `unsplit_account`."""
    _, split_id, asset = name.split(":", 2)
    return split_id, asset
