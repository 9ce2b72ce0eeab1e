"""What was promised to the chain: settlements, their payments, and the transfers that go with them.

A settlement is one transaction envelope that pays up to a hundred creators. Its money is set aside
in the ledger when it is planned and moves on when its fate is proven, in the same database
transaction as its state. The rules of its life are in `lifecycle`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from metering.ledger.ledger import (
    Account,
    Transfer,
    creator_account,
    hot_account,
    inflight_account,
    treasury_account,
)
from metering.money import NATIVE, Stroops


class State(StrEnum):
    """How far a settlement is. The last three are final."""

    PLANNED = "planned"
    SIGNED = "signed"
    SENT = "sent"
    APPLIED = "applied"
    FAILED = "failed"
    DEAD = "dead"

    @property
    def final(self) -> bool:
        return self in (State.APPLIED, State.FAILED, State.DEAD)


@dataclass(frozen=True, slots=True)
class Payment:
    """One creator's share of a settlement: `amount` goes to `address`."""

    id: str
    creator: str
    address: str
    amount: Stroops


@dataclass(frozen=True, slots=True)
class SignedEnvelope:
    """What is sent, again and again the same.

    `max_time` in seconds of ledger time; `fee` in stroops; `ledger` is the last one that had
    closed before the envelope was signed: it cannot be part of an earlier one.
    """

    xdr: str
    hash: str
    source: str
    sequence: int
    max_time: int
    fee: int
    ledger: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended. `operations` has a code for each payment when the chain gave them."""

    ledger: int | None
    fee_charged: int
    code: str
    operations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settlement:
    """One row of the outbox. `fee_max` in stroops; `sent_ms` is when it was sent last."""

    id: str
    asset: str
    source: str
    fee_max: int
    payments: tuple[Payment, ...]
    created_ms: int
    state: State = State.PLANNED
    signed: SignedEnvelope | None = None
    sent_ms: int | None = None
    outcome: Outcome | None = None

    @property
    def total(self) -> Stroops:
        return Stroops(sum(payment.amount for payment in self.payments))


@dataclass(frozen=True, slots=True)
class PayoutView:
    """A payout as its creator sees it. `code` says why it failed."""

    id: str
    amount: Stroops
    state: str
    transaction_hash: str | None
    created_at: datetime
    code: str | None = None


class SourceBusy(Exception):
    """The hot account has a settlement under way already: one transaction at a time."""


class MovedOn(Exception):
    """Somebody else took this settlement further in the meantime."""


class Outbox(Protocol):
    """What `outbox_memory` and `outbox_postgres` both do."""

    async def plan(self, settlement: Settlement) -> None:
        """Store a new settlement and set its money and its fee aside, all or nothing.

        Raises:
            SourceBusy: its source has an unfinished one.
            WouldOverdraw: a creator or the treasury has too little by now.
        """

    async def advance(self, before: Settlement, after: Settlement) -> None:
        """Replace `before` by `after`, and move the money if that is its end, all or nothing.

        Raises:
            MovedOn: the stored settlement is not `before` any more.
        """

    async def unfinished(self, source: str) -> list[Settlement]:
        """Settlements of a source that have not ended, the oldest first."""

    async def payouts(self, creator: str, asset: str, limit: int) -> list[PayoutView]:
        """A creator's payouts, the newest first."""

    async def totals(self, creator: str, asset: str) -> tuple[Stroops, Stroops]:
        """What is on its way to a creator, and what arrived."""

    async def refused_since(self, asset: str, codes: Sequence[str], since_ms: int) -> set[str]:
        """Creators whose payment ended with one of these operation codes since then."""

    async def note_obstacles(self, asset: str, obstacles: dict[str, str]) -> None:
        """Remember why creators are not paid; replaces all earlier notes of that asset."""

    async def obstacle(self, creator: str, asset: str) -> str | None:
        """Why a creator is not paid."""


def inflight_accounts(settlement: Settlement) -> list[Account]:
    """The accounts that hold a settlement's money while it is under way."""
    payments = [inflight_account(p.id, settlement.asset) for p in settlement.payments]
    others = [treasury_account(NATIVE), hot_account(NATIVE), hot_account(settlement.asset)]
    return [*payments, inflight_account(settlement.id, NATIVE), *others]


def planned_transfers(settlement: Settlement) -> list[Transfer]:
    """Set aside: each payment from its creator, the highest possible fee from the treasury."""
    fee = Transfer(
        id=f"{settlement.id}:fee",
        debit=treasury_account(NATIVE).id,
        credit=inflight_account(settlement.id, NATIVE).id,
        amount=Stroops(settlement.fee_max),
        asset=NATIVE,
        cause="fee_reserved",
    )
    return [fee, *(_set_aside(payment, settlement.asset) for payment in settlement.payments)]


def _set_aside(payment: Payment, asset: str) -> Transfer:
    return Transfer(
        id=f"{payment.id}:plan",
        debit=creator_account(payment.creator, asset).id,
        credit=inflight_account(payment.id, asset).id,
        amount=payment.amount,
        asset=asset,
        cause="payout_planned",
    )


def final_transfers(settlement: Settlement) -> list[Transfer]:
    """What an ended settlement moves: to the chain what was paid, back what was not."""
    outcome = settlement.outcome
    assert outcome is not None, "only an ended settlement has an outcome"
    applied = settlement.state == State.APPLIED
    payments = [_final(payment, settlement.asset, applied) for payment in settlement.payments]
    return payments + _fee_transfers(settlement, outcome.fee_charged)


def _final(payment: Payment, asset: str, applied: bool) -> Transfer:
    word = "applied" if applied else "returned"
    credit = hot_account(asset) if applied else creator_account(payment.creator, asset)
    return Transfer(
        id=f"{payment.id}:{word}",
        debit=inflight_account(payment.id, asset).id,
        credit=credit.id,
        amount=payment.amount,
        asset=asset,
        cause=f"payout_{word}",
    )


def _fee_transfers(settlement: Settlement, charged: int) -> list[Transfer]:
    """The fee that the network took goes to the chain, the rest of what was set aside back."""
    assert 0 <= charged <= settlement.fee_max, "the network takes no more than was bid"
    reserve = inflight_account(settlement.id, NATIVE).id
    parts = (
        ("network_fee", hot_account(NATIVE).id, charged),
        ("fee_released", treasury_account(NATIVE).id, settlement.fee_max - charged),
    )
    return [
        Transfer(f"{settlement.id}:{cause}", reserve, credit, Stroops(amount), NATIVE, cause)
        for cause, credit, amount in parts
        if amount > 0
    ]


def payout_view(settlement: Settlement, payment: Payment) -> PayoutView:
    """One payment as its creator sees it."""
    code = None
    if settlement.outcome is not None and settlement.state != State.APPLIED:
        index = settlement.payments.index(payment)
        codes = settlement.outcome.operations
        code = codes[index] if index < len(codes) else settlement.outcome.code
    return PayoutView(
        id=payment.id,
        amount=payment.amount,
        state=settlement.state.value,
        transaction_hash=settlement.signed.hash if settlement.signed is not None else None,
        created_at=datetime.fromtimestamp(settlement.created_ms / 1000, UTC),
        code=code,
    )
