"""Withdrawals as the settlement worker asks for them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from metering.funding.withdrawal import Withdrawal, WithdrawalStore, came_back
from metering.settlement.outbox import Kind, PayoutView, State
from metering.settlement.source import Due

_NOBODY = "suspense"  # whose money it is that goes back to where it came from


class Fates(Protocol):
    """Who knows what became of payments; `outbox.Outbox` does."""

    async def fates(self, dues: Sequence[str]) -> Mapping[str, PayoutView]: ...


class WithdrawalSource:
    """Implements `source.PaymentSource`."""

    def __init__(self, store: WithdrawalStore, outbox: Fates) -> None:
        self._store = store
        self._outbox = outbox

    async def due(self, asset: str, limit: int) -> list[Due]:
        """The oldest that nobody is paying; those that have arrived are noted as paid."""
        open_ = await self._store.open(asset, limit)
        fates = await self._outbox.fates([each.id for each in open_])
        due = []
        for withdrawal in open_:
            fate = fates.get(withdrawal.id)
            if fate is None or came_back(fate):
                due.append(_due(withdrawal))
            elif fate.state == State.APPLIED.value:
                await self._store.paid(withdrawal.id)
        return due

    async def refused(self, due_id: str, code: str) -> None:
        """The money is its owner's again."""
        await self._store.refuse(due_id, code)


def _due(withdrawal: Withdrawal) -> Due:
    return Due(
        id=withdrawal.id,
        owner=withdrawal.owner or _NOBODY,
        account=withdrawal.account.id,
        address=withdrawal.address,
        amount=withdrawal.amount,
        kind=Kind.WITHDRAWAL,
        memo=withdrawal.memo,
    )
