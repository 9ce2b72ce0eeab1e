"""Creators who have earned enough to be paid."""

from collections.abc import Sequence
from typing import Protocol

from metering.ledger.ledger import Ledger, Standing
from metering.money import Stroops
from metering.settlement.outbox import Outbox
from metering.settlement.source import Due

_PREFIX = "creator:"


class PayeeDirectory(Protocol):
    """Where creators want their money."""

    async def address(self, creator: str) -> str | None:
        """A creator's Stellar address; None when there is none yet."""


class Creators:
    """Implements `source.PaymentSource`: a payout takes all that a creator has.

    Args:
        ledger: what they earned.
        outbox: what of it was paid.
        payees: where they want it.
        minimum: smaller earnings wait; at least one stroop.
    """

    def __init__(
        self, ledger: Ledger, outbox: Outbox, payees: PayeeDirectory, minimum: Stroops
    ) -> None:
        self._ledger = ledger
        self._outbox = outbox
        self._payees = payees
        self._minimum = Stroops(max(1, minimum))
        # Who was last in the turn before; of more than there is room for, others come next.
        self._last = ""

    async def due(self, asset: str, limit: int) -> Sequence[Due]:
        standings = await self._ledger.standings(_PREFIX, self._minimum)
        owed = {a: each for a, each in standings.items() if _owner(a, asset) is not None}
        turn = self._turn(list(owed), limit)
        carried = await self._outbox.carried(turn)
        return [await self._due(a, asset, owed[a], carried.get(a, 0)) for a in turn]

    async def refused(self, due_id: str, code: str) -> None:
        """Nothing is to be done: what was earned stays where it is."""

    async def _due(self, account: str, asset: str, standing: Standing, after: int) -> Due:
        creator = _owner(account, asset)
        assert creator is not None, "others are not owed anything"
        return Due(
            id=creator,
            owner=creator,
            account=account,
            address=await self._payees.address(creator),
            amount=standing.balance,
            earned_after=after,
            earned_until=max(after, standing.position),
        )

    def _turn(self, accounts: list[str], limit: int) -> list[str]:
        """All of them in the order of names; of too many, those behind who was last before."""
        if len(accounts) <= limit:
            return accounts
        behind = [account for account in accounts if account > self._last]
        chosen = [*behind, *accounts][:limit]
        self._last = chosen[-1]
        return chosen


def _owner(account: str, asset: str) -> str | None:
    """The creator of an account `creator:{id}:{asset}`; None when it is in another asset."""
    owner = account.removesuffix(f":{asset}")
    return None if owner == account else owner.removeprefix(_PREFIX)
