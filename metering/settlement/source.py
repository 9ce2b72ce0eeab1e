"""Whoever has somebody to be paid: creators with what they earned, viewers who take money out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from metering.money import Stroops
from metering.settlement.outbox import Kind


@dataclass(frozen=True, slots=True)
class Due:
    """Money that somebody is to be paid.

    Args:
        id: what its source knows it by; until it is paid it stays the same.
        owner: whose money it is.
        account: the ledger's account that it lies in.
        address: G... or M...; None when nobody said where to.
        amount: in stroops; the account has as much.
        kind: what for. A withdrawal is paid or refused; a payout may also be left to be claimed.
        memo: `id:...` or `text:...`, as the payee asked for.
        claimable: it is left to be claimed, since the payee's account does not take it.
        earned_after: what was earned behind this position of the journal,
        earned_until: up to and with this one. Both 0: nothing of that is said.
    """

    id: str
    owner: str
    account: str
    address: str | None
    amount: Stroops
    kind: Kind = Kind.PAYOUT
    memo: str | None = None
    claimable: bool = False
    earned_after: int = 0
    earned_until: int = 0


class PaymentSource(Protocol):
    """May raise one of `config.postgres.UNAVAILABLE`."""

    async def due(self, asset: str, limit: int) -> Sequence[Due]:
        """Who is to be paid now, without what is on its way; others in turn if there are more."""

    async def refused(self, due_id: str, code: str) -> None:
        """The payee's own account does not take it; told again as long as it is due."""
