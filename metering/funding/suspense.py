"""Money that came in for nobody known, and what the operator decides about it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from metering.funding.deposit import Kind, network_name
from metering.funding.deposit_store import MemoryDeposits
from metering.funding.withdrawal import End, MemoryWithdrawals, Withdrawal
from metering.ledger.ledger import (
    Account,
    Ledger,
    Transfer,
    suspense_account,
    treasury_account,
    viewer_account,
)
from metering.money import Stroops

TREASURY = "treasury"
"""To whom money in suspense may be given besides accounts: it is the operator's own."""


class UnknownItem(Exception):
    """No such payment is, or was, in suspense."""


class Decided(Exception):
    """It was given to somebody, or is on its way back."""


@dataclass(frozen=True, slots=True)
class Item:
    """One payment in suspense.

    Args:
        event: its id on its network.
        place: orders items.
        reason: a `deposit.Reason`.
        number: the muxed id that it carried.
        memo: the memo that it carried, if that was a number.
        assigned_to: who has got it: an account's id, or `TREASURY`.
        withdrawal: what it is, or was, to go back with.
        is_open: whether nothing is decided; so is one that could not be given back.
    """

    event: str
    place: int
    reason: str
    asset: str
    amount: Stroops
    at: datetime
    source: str
    destination: str
    transaction: str
    number: int | None = None
    memo: int | None = None
    assigned_to: str | None = None
    withdrawal: str | None = None
    is_open: bool = True


class SuspenseStore(Protocol):
    """What `MemorySuspense` and `suspense_postgres` both do, for one network."""

    async def items(self, after: int, limit: int, *, all_: bool = False) -> list[Item]:
        """Items behind a place, the oldest first; those that are decided only with `all_`."""

    async def item(self, event: str) -> Item | None:
        """One of them."""

    async def assign(self, event: str, to: str) -> None:
        """Credit an account, or the treasury; again to the same one does nothing.

        Raises:
            UnknownItem, Decided: it cannot be given to that one.
        """

    async def give_back(self, event: str, withdrawal: Withdrawal) -> None:
        """Keep the withdrawal that takes it back; again the same one does nothing.

        Raises:
            UnknownItem, Decided: it cannot be given back.
        """


def assignment(item: Item, to: str, network: str) -> tuple[Account, Transfer]:
    """Whose account gets it, and how."""
    is_ours = to == TREASURY
    target = treasury_account(item.asset) if is_ours else viewer_account(to, item.asset)
    transfer = Transfer(
        id=f"suspense:{network}:{item.event}",
        debit=suspense_account(item.asset).id,
        credit=target.id,
        amount=item.amount,
        asset=item.asset,
        cause="suspense_assigned",
    )
    return target, transfer


class MemorySuspense:
    """Implements `SuspenseStore` over what is in memory. Lost with the process."""

    def __init__(
        self,
        ledger: Ledger,
        deposits: MemoryDeposits,
        withdrawals: MemoryWithdrawals,
        network: str = network_name(""),
    ) -> None:
        self._ledger = ledger
        self._deposits = deposits
        self._withdrawals = withdrawals
        self._network = network
        self._given_back: dict[str, str] = {}

    async def items(self, after: int, limit: int, *, all_: bool = False) -> list[Item]:
        found = [item for event in self._deposits.taken if (item := await self.item(event))]
        return [i for i in found if i.place > after and (all_ or i.is_open)][:limit]

    async def item(self, event: str) -> Item | None:
        taken = list(self._deposits.taken)
        booking = self._deposits.taken.get(event)
        if booking is None or booking.kind is not Kind.SUSPENSE:
            return None
        payment, reason = booking.payment, booking.reason
        assert reason is not None, "what is in suspense has a reason"
        item = Item(
            event=event,
            place=taken.index(event) + 1,
            reason=reason.value,
            asset=payment.asset,
            amount=payment.amount,
            at=datetime.fromtimestamp(payment.closed_at, UTC),
            source=payment.source,
            destination=payment.destination,
            transaction=payment.transaction,
            number=payment.muxed_id,
            memo=payment.memo_id,
        )
        return await self._decided(item)

    async def assign(self, event: str, to: str) -> None:
        item = await self._open(event, to)
        if item is None:
            return
        target, transfer = assignment(item, to, self._network)
        await self._ledger.open_accounts([target])
        await self._ledger.post([transfer])
        self._given_back.pop(event, None)
        self._deposits.assigned[event] = to

    async def give_back(self, event: str, withdrawal: Withdrawal) -> None:
        item = await self._open(event, withdrawal.id)
        if item is None:
            return
        await self._withdrawals.request(withdrawal)
        self._given_back[event] = withdrawal.id

    async def _open(self, event: str, by: str) -> Item | None:
        """The item to decide about; None when that was decided just so."""
        item = await self.item(event)
        if item is None:
            raise UnknownItem(event)
        if item.is_open:
            return item
        if by in (item.assigned_to, item.withdrawal):
            return None
        raise Decided(event)

    async def _decided(self, item: Item) -> Item:
        to, withdrawal_id = self._deposits.assigned.get(item.event), None
        if to is None:
            withdrawal_id = self._given_back.get(item.event)
        is_open = to is None
        if withdrawal_id is not None:
            withdrawal = await self._withdrawals.get(withdrawal_id)
            is_open = withdrawal is not None and withdrawal.end is End.REFUSED
        return replace(item, assigned_to=to, withdrawal=withdrawal_id, is_open=is_open)
