"""What an account is told of its payouts."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from api.earnings import payout_document
from metering.money import Stroops
from metering.settlement.outbox import PayoutView
from metering.settlement.transaction import Slot, claimable_id

SOURCE = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"
PAID = PayoutView(
    id="pay_1",
    amount=Stroops(25_000_000),
    state="applied",
    transaction_hash="ab" * 32,
    created_at=datetime(2026, 11, 30, tzinfo=UTC),
    place=3,
    source=SOURCE,
    sequence=7,
)
LEFT = replace(PAID, claimable=True)


@pytest.mark.parametrize(
    ("payout", "state", "is_told_what_to_claim"),
    [
        (PAID, "applied", False),
        (LEFT, "claimable", True),
        (replace(LEFT, state="sent"), "sent", False),
        (replace(LEFT, claimed=True), "claimed", False),
        (replace(LEFT, reclaimed=True), "reclaimed", False),
    ],
)
def test_a_payout_that_is_left_says_what_to_claim_until_nothing_is(
    payout: PayoutView, state: str, is_told_what_to_claim: bool
) -> None:
    document = payout_document(payout)
    assert document["state"] == state
    balance = claimable_id(Slot(SOURCE, 7, 0), 3)
    assert document["claimableBalance"] == (balance if is_told_what_to_claim else None)
