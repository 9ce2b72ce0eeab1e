"""What viewers take out: set aside at once, paid through the outbox, or given back with the reason.

    requested --planned--> in_flight --applied--> paid
        |  ^------came back-----'
        '--refused by the payee's own account--> refused

The outbox is the truth about what was sent: what a withdrawal has come to is told by its last
payment there. A payment that came to nothing by the chain's doing goes back to the withdrawal,
which is then due again; only what the payee's own account refuses ends it, and the money is the
viewer's again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from metering.ledger.ledger import Account, Ledger, Transfer, inflight_account
from metering.money import Stroops
from metering.settlement.outbox import PayoutView, State


class Progress(StrEnum):
    """How far a withdrawal is, as its owner sees it."""

    REQUESTED = "requested"
    IN_FLIGHT = "in_flight"
    PAID = "paid"
    REFUSED = "refused"


class End(StrEnum):
    """How the store knows it: open until one of the others is certain."""

    OPEN = "open"
    PAID = "paid"
    REFUSED = "refused"


class BadMemo(ValueError):
    """Not a memo: a number below 2^64, or a text of 1 to 28 bytes."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Money on its way out.

    Args:
        id: `wdr_...`.
        owner: whose money it is; None when what came in for nobody goes back.
        origin: the ledger's account that it is taken from, and that has it back when it is refused.
        asset: `XLM`, or `CODE:ISSUER`.
        amount: in stroops.
        address: G... or M...
        requested_at: by the server's clock.
        memo: `id:...` or `text:...`, as `memo_of` makes it.
        end: how it ended.
        code: why it was refused.
    """

    id: str
    owner: str | None
    origin: str
    asset: str
    amount: Stroops
    address: str
    requested_at: datetime
    memo: str | None = None
    end: End = End.OPEN
    code: str | None = None

    @property
    def account(self) -> Account:
        """Where it lies until a payment takes it."""
        return inflight_account(self.id, self.asset)

    @property
    def set_aside(self) -> Transfer:
        return self._transfer("requested", self.origin, self.account.id)

    @property
    def given_back(self) -> Transfer:
        return self._transfer("refused", self.account.id, self.origin)

    def _transfer(self, word: str, debit: str, credit: str) -> Transfer:
        return Transfer(
            id=f"{self.id}:{word}",
            debit=debit,
            credit=credit,
            amount=self.amount,
            asset=self.asset,
            cause=f"withdrawal_{word}",
        )


class WithdrawalStore(Protocol):
    """What `MemoryWithdrawals` and `withdrawals_postgres` both do."""

    async def request(self, withdrawal: Withdrawal) -> None:
        """Keep a new one and set its money aside, all or nothing; once, however often it is asked.

        Raises:
            WouldOverdraw, UnknownAccount: there is too little to take it from.
        """

    async def get(self, withdrawal_id: str) -> Withdrawal | None:
        """The withdrawal with this id."""

    async def of(self, owner: str, limit: int) -> list[Withdrawal]:
        """An account's withdrawals, the newest first."""

    async def open(self, asset: str, limit: int) -> list[Withdrawal]:
        """Those of an asset whose end is not known, the oldest first."""

    async def paid(self, withdrawal_id: str) -> None:
        """Note that the chain has it."""

    async def refuse(self, withdrawal_id: str, code: str) -> None:
        """End one that nobody is paying, and give its money back; once."""


@dataclass(frozen=True, slots=True)
class WithdrawalView:
    """A withdrawal with what became of it."""

    withdrawal: Withdrawal
    progress: Progress
    transaction: str | None = None


def viewed(withdrawal: Withdrawal, fates: Mapping[str, PayoutView]) -> WithdrawalView:
    """A withdrawal as its owner sees it; `fates` are the last payments by withdrawal."""
    fate = fates.get(withdrawal.id)
    if withdrawal.end is End.REFUSED:
        return WithdrawalView(withdrawal, Progress.REFUSED)
    if fate is None or came_back(fate):
        return WithdrawalView(withdrawal, Progress.REQUESTED)
    progress = Progress.PAID if fate.state == State.APPLIED.value else Progress.IN_FLIGHT
    return WithdrawalView(withdrawal, progress, fate.transaction_hash)


def came_back(fate: PayoutView) -> bool:
    """Whether a payment came to nothing, so that its money may be paid anew."""
    return fate.state in (State.FAILED.value, State.DEAD.value)


_NUMBER = re.compile(r"0|[1-9][0-9]{0,19}")
_TEXT_BYTES_MAX = 28  # Stellar-transaction.x, Memo: string text<28>


def memo_of(text: str, kind: str | None = None) -> str:
    """What a person wrote as a memo, for the outbox.

    Args:
        text: the memo.
        kind: `id` or `text`. Without it digits are a number (MEMO_ID): so exchanges mean them.

    Raises:
        BadMemo: too long, nothing, or no number although it should be one.
    """
    is_number = _NUMBER.fullmatch(text) is not None and int(text) < 1 << 64
    if is_number and kind != "text":
        return f"id:{text}"
    fits = 1 <= len(text.encode()) <= _TEXT_BYTES_MAX and text.isprintable()
    if kind == "id" or not fits:
        raise BadMemo(text[:40])
    return f"text:{text}"


class MemoryWithdrawals:
    """Implements `WithdrawalStore` beside a ledger in memory. Lost with the process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept: dict[str, Withdrawal] = {}

    async def request(self, withdrawal: Withdrawal) -> None:
        if withdrawal.id in self._kept:
            return
        await self._ledger.open_accounts([withdrawal.account])
        await self._ledger.post([withdrawal.set_aside])
        self._kept[withdrawal.id] = withdrawal

    async def get(self, withdrawal_id: str) -> Withdrawal | None:
        return self._kept.get(withdrawal_id)

    async def of(self, owner: str, limit: int) -> list[Withdrawal]:
        mine = (each for each in self._kept.values() if each.owner == owner)
        return sorted(mine, key=lambda each: each.id, reverse=True)[:limit]

    async def open(self, asset: str, limit: int) -> list[Withdrawal]:
        found = (w for w in self._kept.values() if w.end is End.OPEN and w.asset == asset)
        return sorted(found, key=lambda each: each.id)[:limit]

    async def paid(self, withdrawal_id: str) -> None:
        known = self._kept[withdrawal_id]
        if known.end is End.OPEN:
            self._kept[withdrawal_id] = replace(known, end=End.PAID)

    async def refuse(self, withdrawal_id: str, code: str) -> None:
        known = self._kept[withdrawal_id]
        if known.end is End.OPEN:
            await self._ledger.post([known.given_back])
            self._kept[withdrawal_id] = replace(known, end=End.REFUSED, code=code)
