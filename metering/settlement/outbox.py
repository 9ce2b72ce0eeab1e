"""What was promised to the chain: settlements, their payments, and the transfers that go with them.

A settlement is one transaction that pays up to a hundred payees. Its money is set aside in the
ledger when it is planned and moves on when its fate is proven, in the same database transaction as
its state. The rules of its life are in `lifecycle`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from metering.ledger.ledger import (
    Account,
    Transfer,
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


class Kind(StrEnum):
    """What a payment is for. The first two are what others asked for, the rest is our own."""

    PAYOUT = "payout"  # what a creator earned
    WITHDRAWAL = "withdrawal"  # what a viewer takes back
    OPEN = "channel_open"  # makes a channel account
    TOP_UP = "channel_top_up"  # lumens for the fees of one
    RECLAIM = "reclaim"  # takes a claimable balance back that nobody claimed for long


@dataclass(frozen=True, slots=True)
class Payment:
    """One operation of a settlement: `amount` goes to `address`.

    Args:
        id: `pay_...`.
        creator: whose money it is: a creator, or who withdraws.
        address: G..., or M... of one of its owners; of a reclaim the claimable balance's id.
        amount: in stroops.
        account: the ledger's account that pays, and that has it back when nothing comes of it; of a
            reclaim the one that it goes to.
        kind: what for.
        claimable: it becomes a balance that the payee claims (CAP-23), who could not be paid.
        due: what its source knows it by (`worker.PaymentSource`).
        memo: `id:...` or `text:...`, as the payee asked for; this payment is then the only one.
        earned_after: what was earned behind this position of the journal is paid,
        earned_until: up to and with this one. Both 0: nothing of that is said.
    """

    id: str
    creator: str
    address: str
    amount: Stroops
    account: str
    kind: Kind = Kind.PAYOUT
    claimable: bool = False
    due: str = ""
    memo: str | None = None
    earned_after: int = 0
    earned_until: int = 0


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

    @property
    def bumped(self) -> bool:
        """Whether a bump was what the chain took: its fee is the hot account's."""
        return self.code.startswith("tx_fee_bump")


@dataclass(frozen=True, slots=True)
class Settlement:
    """One row of the outbox.

    Args:
        id: `set_...`.
        asset: `XLM`, or `CODE:ISSUER`.
        source: the account (G...) whose sequence number it uses, and that pays its fee.
        fee_max: what that is at most, in stroops.
        payments: in the order of the transaction's operations.
        created_ms: when it was planned.
        fee_account: the ledger's account that stands for what `source` has on the chain.
        statement: in which form its memo names its payments (`statement.leaves`).
        sealed: number and hash of the journal's last seal then, as `123:0af...`; or nothing.
        state: how far it is.
        signed: the transaction.
        bumps: the same transaction with higher bids, which the hot account pays.
        sent_ms: when it was sent last. It grows with each step of a signed one.
        outcome: how it ended.
    """

    id: str
    asset: str
    source: str
    fee_max: int
    payments: tuple[Payment, ...]
    created_ms: int
    fee_account: str = hot_account(NATIVE).id
    statement: int = 2
    sealed: str = ""
    state: State = State.PLANNED
    signed: SignedEnvelope | None = None
    bumps: tuple[SignedEnvelope, ...] = ()
    sent_ms: int | None = None
    outcome: Outcome | None = None

    @property
    def total(self) -> Stroops:
        return Stroops(sum(payment.amount for payment in self.payments))

    @property
    def promised(self) -> Stroops:
        """What leaves the hot account with it: all but what comes back to it."""
        return Stroops(sum(p.amount for p in self.payments if p.kind != Kind.RECLAIM))

    @property
    def latest(self) -> SignedEnvelope | None:
        """What is sent now: the transaction, or its last bump."""
        return self.bumps[-1] if self.bumps else self.signed

    @property
    def reserve(self) -> int:
        """What is set aside for the fee: one of its envelopes is applied at most."""
        return max(self.fee_max, *(bump.fee for bump in self.bumps), 0)


@dataclass(frozen=True, slots=True)
class PayoutView:
    """A payment as its payee sees it. `code` says why it failed. `place` is its operation in the
    transaction that `source` sent under `sequence`. A `claimable` one was claimed by its payee, or
    was `reclaimed`, so that its payee has it with us again; or it is neither as far as is known.
    """

    id: str
    amount: Stroops
    state: str
    transaction_hash: str | None
    created_at: datetime
    code: str | None = None
    claimable: bool = False
    place: int = 0
    source: str = ""
    sequence: int | None = None
    claimed: bool = False
    reclaimed: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """A payout that was left to be claimed: the operation at `place` of the transaction that
    `source` sent under `sequence`, which was applied by `max_time` (seconds of ledger time).
    """

    payout: Payment
    source: str
    sequence: int
    max_time: int
    place: int


@dataclass(frozen=True, slots=True)
class Spending:
    """What was planned and did not come to nothing: payments of an asset, and fees in lumens."""

    paid: Stroops
    fees: Stroops


class SourceBusy(Exception):
    """The source has a settlement under way already: one transaction at a time."""


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
        """Replace `before` by `after`, and move the money that goes with it, all or nothing.

        Raises:
            MovedOn: the stored settlement is not `before` any more.
            WouldOverdraw: the treasury has too little for a higher bid.
        """

    async def unfinished(self, source: str | None = None) -> list[Settlement]:
        """Settlements that have not ended, the oldest first; of all sources without one."""

    async def settlement(self, settlement_id: str) -> Settlement | None:
        """A settlement by its id, however it ended."""

    async def settlement_of(self, payment: str) -> Settlement | None:
        """The settlement that a payment is part of, however it ended."""

    async def payouts(self, creator: str, asset: str, limit: int) -> list[PayoutView]:
        """What a creator was paid, or was to be, the newest first."""

    async def fates(self, dues: Sequence[str]) -> dict[str, PayoutView]:
        """The last payment for each of what sources had due, where there was one."""

    async def totals(self, creator: str, asset: str) -> tuple[Stroops, Stroops]:
        """What is on its way to a creator, and what arrived."""

    async def spent_since(self, asset: str, since_ms: int) -> Spending:
        """What was planned since then."""

    async def refused_since(
        self, asset: str, codes: Sequence[str], since_ms: int
    ) -> dict[str, str]:
        """Dues whose payment ended with one of these operation codes since then, with the last."""

    async def left(self, asset: str, until: int, after: str, limit: int) -> list[Left]:
        """Applied payouts that are left to be claimed for all that is known, in order.

        Args:
            asset: what was paid.
            until: those that could be applied up to then, in seconds; without those whose reclaim
                is under way, was applied, or was planned since then.
            after: behind this one; from the first on when empty.
            limit: so many at most.
        """

    async def note_claimed(self, payouts: Sequence[str]) -> None:
        """Remember that payees claimed what was left to them; twice is as good as once."""

    async def reclaimed(self, accounts: Sequence[str]) -> set[str]:
        """Those of these accounts to which what was left came back, and nothing arrived since."""

    async def carried(self, accounts: Sequence[str]) -> dict[str, int]:
        """Up to which position of the journal the payouts of accounts paid what was earned."""

    async def note_obstacles(
        self, asset: str, looked_at: Sequence[str], obstacles: Mapping[str, str]
    ) -> None:
        """Remember why dues are not paid, of all that were looked at."""

    async def obstacle(self, creator: str, asset: str) -> str | None:
        """Why a due is not paid; of a creator's earnings that is the creator."""


def accounts_of(settlement: Settlement) -> list[Account]:
    """Accounts that a settlement's transfers need; those of others that pay are there already."""
    payments = [inflight_account(p.id, settlement.asset) for p in settlement.payments]
    others = [treasury_account(NATIVE), hot_account(NATIVE), hot_account(settlement.asset)]
    ours = {p.account for p in settlement.payments if p.kind in (Kind.OPEN, Kind.TOP_UP)}
    senders = [Account(each, NATIVE, None) for each in sorted({settlement.fee_account, *ours})]
    return [*payments, inflight_account(settlement.id, NATIVE), *senders, *others]


def planned_transfers(settlement: Settlement) -> list[Transfer]:
    """Set aside: each payment from whose it is, the highest possible fee from the treasury."""
    fee = _reserved(settlement, "fee", settlement.fee_max)
    given = (payment for payment in settlement.payments if payment.kind != Kind.RECLAIM)
    return [fee, *(_set_aside(payment, settlement.asset) for payment in given)]


def bump_transfers(before: Settlement, after: Settlement) -> list[Transfer]:
    """Set aside what the new ones of the bids come to more than those before."""
    more = after.reserve - before.reserve
    return [] if more == 0 else [_reserved(after, f"fee:{len(after.bumps)}", more)]


def _reserved(settlement: Settlement, word: str, amount: int) -> Transfer:
    return Transfer(
        id=f"{settlement.id}:{word}",
        debit=treasury_account(NATIVE).id,
        credit=inflight_account(settlement.id, NATIVE).id,
        amount=Stroops(amount),
        asset=NATIVE,
        cause="fee_reserved",
    )


def _set_aside(payment: Payment, asset: str) -> Transfer:
    return Transfer(
        id=f"{payment.id}:plan",
        debit=payment.account,
        credit=inflight_account(payment.id, asset).id,
        amount=payment.amount,
        asset=asset,
        cause=f"{payment.kind}_planned",
    )


def final_transfers(settlement: Settlement) -> list[Transfer]:
    """What an ended settlement moves: to the chain what was paid, back what was not."""
    outcome = settlement.outcome
    assert outcome is not None, "only an ended settlement has an outcome"
    applied = settlement.state == State.APPLIED
    payments = (_final(payment, settlement.asset, applied) for payment in settlement.payments)
    return [each for each in payments if each is not None] + _fee_transfers(settlement, outcome)


def _final(payment: Payment, asset: str, applied: bool) -> Transfer | None:
    word = "applied" if applied else "returned"
    debit, credit = inflight_account(payment.id, asset).id, payment.account
    if payment.kind == Kind.RECLAIM:
        if not applied:
            return None
        debit = hot_account(asset).id
    elif applied:
        credit = hot_account(asset).id
    return Transfer(
        id=f"{payment.id}:{word}",
        debit=debit,
        credit=credit,
        amount=payment.amount,
        asset=asset,
        cause=f"{payment.kind}_{word}",
    )


def _fee_transfers(settlement: Settlement, outcome: Outcome) -> list[Transfer]:
    """The fee that the network took goes to the chain, the rest of what was set aside back."""
    charged = outcome.fee_charged
    assert 0 <= charged <= settlement.reserve, "the network takes no more than was bid"
    reserve = inflight_account(settlement.id, NATIVE).id
    payer = hot_account(NATIVE).id if outcome.bumped else settlement.fee_account
    parts = (
        ("network_fee", payer, charged),
        ("fee_released", treasury_account(NATIVE).id, settlement.reserve - charged),
    )
    return [
        Transfer(f"{settlement.id}:{cause}", reserve, credit, Stroops(amount), NATIVE, cause)
        for cause, credit, amount in parts
        if amount > 0
    ]


def payout_view(settlement: Settlement, payment: Payment) -> PayoutView:
    """One payment as its payee sees it."""
    code, place = None, settlement.payments.index(payment)
    if settlement.outcome is not None and settlement.state != State.APPLIED:
        codes = settlement.outcome.operations
        code = codes[place] if place < len(codes) else settlement.outcome.code
    return PayoutView(
        id=payment.id,
        amount=payment.amount,
        state=settlement.state.value,
        transaction_hash=settlement.signed.hash if settlement.signed is not None else None,
        created_at=datetime.fromtimestamp(settlement.created_ms / 1000, UTC),
        code=code,
        claimable=payment.claimable,
        place=place,
        source=settlement.source,
        sequence=settlement.signed.sequence if settlement.signed is not None else None,
    )
