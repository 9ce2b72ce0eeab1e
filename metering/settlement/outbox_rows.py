"""Rows of the outbox's tables as settlements, and back."""

from collections.abc import Iterable
from datetime import UTC, datetime

from config.postgres import Record
from metering.money import Stroops
from metering.settlement.envelope_row import ending, envelope_of
from metering.settlement.outbox import (
    Kind,
    Left,
    Outcome,
    Payment,
    PayoutView,
    Settlement,
    SignedEnvelope,
    State,
)


def payment_columns(payments: Iterable[Payment]) -> list[list[object]]:
    """What is stored of each payment, a column each, in the order of `_PLAN_PAYOUTS`."""
    rows = [
        (
            payment.id,
            payment.creator,
            payment.address,
            payment.amount,
            payment.account,
            payment.kind.value,
            payment.claimable,
            payment.due,
            payment.memo,
            payment.earned_after,
            payment.earned_until,
        )
        for payment in payments
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def progress(settlement: Settlement) -> tuple[object, ...]:
    """What changes in a settlement's row, in the order of `_ADVANCE`."""
    signed = settlement.signed
    envelope: tuple[object, ...] = (None,) * 5
    if signed is not None:
        envelope = (signed.xdr, signed.hash, signed.sequence, signed.max_time, signed.ledger)
    return (settlement.state.value, settlement.sent_ms, *envelope, *ending(settlement.outcome))


def settlement(batch: Record, payouts: Iterable[Record], bumps: Iterable[Record]) -> Settlement:
    """A settlement of its rows; those of others among them are left out."""
    mine = [row for row in payouts if row["batch"] == batch["id"]]
    signed = _signed(batch)
    return Settlement(
        id=batch["id"],
        asset=batch["asset"],
        source=batch["source"],
        fee_max=batch["fee_max"],
        payments=tuple(map(_payment, mine)),
        created_ms=batch["created_ms"],
        fee_account=batch["fee_account"],
        statement=batch["statement"],
        sealed=batch["sealed"],
        state=State(batch["state"]),
        signed=signed,
        bumps=tuple(_bump(signed, row) for row in bumps if row["batch"] == batch["id"]),
        sent_ms=batch["sent_ms"],
        outcome=_outcome(batch, mine),
    )


def _payment(row: Record) -> Payment:
    return Payment(
        id=row["id"],
        creator=row["creator"],
        address=row["address"],
        amount=Stroops(row["amount"]),
        account=row["account"],
        kind=Kind(row["kind"]),
        claimable=row["claimable"],
        due=row["due"],
        memo=row["memo"],
        earned_after=row["earned_after"],
        earned_until=row["earned_until"],
    )


def _signed(batch: Record) -> SignedEnvelope | None:
    return None if batch["envelope_xdr"] is None else envelope_of(batch)


def _bump(signed: SignedEnvelope | None, row: Record) -> SignedEnvelope:
    assert signed is not None, "only what was signed is bid for again"
    return SignedEnvelope(
        xdr=row["envelope_xdr"],
        hash=row["envelope_hash"],
        source=signed.source,
        sequence=signed.sequence,
        max_time=signed.max_time,
        fee=row["fee"],
        ledger=row["signed_ledger"],
    )


def _outcome(batch: Record, payouts: Iterable[Record]) -> Outcome | None:
    if batch["code"] is None:
        return None
    codes = tuple(row["code"] for row in payouts if row["code"] is not None)
    return Outcome(batch["applied_ledger"], batch["fee_charged"], batch["code"], codes)


def left(row: Record) -> Left:
    """A payout that was left to be claimed, with its settlement's slot."""
    return Left(_payment(row), row["source"], row["sequence"], row["max_time"], row["place"] - 1)


def view(row: Record) -> PayoutView:
    """One payment as its payee sees it."""
    return PayoutView(
        id=row["id"],
        amount=Stroops(row["amount"]),
        state=row["state"],
        transaction_hash=row["envelope_hash"],
        created_at=datetime.fromtimestamp(row["created_ms"] / 1000, UTC),
        code=row["code"],
        claimable=row["claimable"],
        place=row["place"] - 1,
        source=row["source"],
        sequence=row["sequence"],
        claimed=row["claimed"],
        reclaimed=row["reclaimed"],
    )
