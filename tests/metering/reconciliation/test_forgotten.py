"""Forgotten transactions: each asked for once, and named by the settlement that it pays."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace

from config.limits import RECONCILE_RECALLED_MAX
from metering.money import Stroops
from metering.reconciliation.addresses import Ours
from metering.reconciliation.compare import NO_SUCH_TRANSACTION
from metering.reconciliation.difference import Difference, Kind, read_difference
from metering.reconciliation.forgotten import recalled, unpaid_fees
from metering.reconciliation.restore import bookings
from metering.settlement.chain import SeenTransaction
from metering.settlement.outbox import Payment, Settlement, SignedEnvelope, State

ROOT = "ab" * 32
SEEN = SeenTransaction(source="GSENDER", sequence=7, payer="GHOT", fee=200, memo=ROOT)
PAYMENTS = tuple(
    Payment(f"pay_{n}", "ana", "GANA", Stroops(n + 5), "creator:ana:XLM") for n in range(2)
)
PLANNED = Settlement("set_1", "XLM", "GSENDER", 200, PAYMENTS, created_ms=0)


def lost(place: int = 1, transaction: str = "bb", amount: int = 6) -> Difference:
    return Difference(
        key=f"event:{transaction}:{place}",
        kind=Kind.MISSING_IN_LEDGER,
        about=f"{transaction}:{place}",
        detail=NO_SUCH_TRANSACTION,
        ledger=9,
        asset="XLM",
        on_chain=amount,
        transaction=transaction,
        source="GHOT",
        destination="GANA",
    )


class Past:
    """A chain, and books that know one settlement."""

    def __init__(self, settlement: Settlement = PLANNED, **seen: SeenTransaction) -> None:
        self.settlement = settlement
        self.seen = seen
        self.asked: list[str] = []

    async def transaction(self, hash_: str) -> SeenTransaction | None:
        self.asked.append(hash_)
        return self.seen.get(hash_)

    async def stated(self, roots: Collection[str]) -> Mapping[str, Settlement]:
        return {root: self.settlement for root in roots if root == ROOT}


async def recall(
    past: Past, *found: Difference, known: tuple[Difference, ...] = ()
) -> list[Difference]:
    return (await recalled(found, known, past, past)).differences


async def test_a_payment_is_named_by_its_transactions_memo_and_its_place() -> None:
    [told] = await recall(Past(bb=SEEN), lost())
    assert (told.settlement, told.payment, told.seen) == ("set_1", "pay_1", SEEN)
    assert told.detail.endswith("its memo is the statement of set_1, and it pays pay_1")
    assert read_difference(json.loads(json.dumps(told.document()))) == told


async def test_what_its_statement_does_not_say_is_not_taken_for_its_payment() -> None:
    for other in (lost(amount=7), lost(place=2), replace(lost(), asset="USDC:G")):
        [told] = await recall(Past(bb=SEEN), other)
        assert (told.settlement, told.payment) == ("set_1", "")
        assert "pays something else" in told.detail


async def test_a_memo_that_no_statement_has_leaves_the_hash_and_the_fee() -> None:
    [told] = await recall(Past(bb=replace(SEEN, memo="cd" * 32)), lost())
    assert (told.settlement, told.detail) == ("", NO_SUCH_TRANSACTION)
    assert told.seen is not None
    assert await recall(Past(), lost()) == [], "the node has forgotten it, too"


async def test_nobody_is_asked_twice_for_a_transaction_nor_for_too_many_at_once() -> None:
    past = Past(bb=SEEN)
    told = await recall(past, lost(0, amount=5), lost())
    assert past.asked == ["bb"]
    assert {each.payment for each in told} == {"pay_0", "pay_1"}
    assert await recall(past, lost(0, amount=5), lost(), known=tuple(told)) == told
    assert past.asked == ["bb"]
    many = [lost(transaction=f"{n:02}") for n in range(2 * RECONCILE_RECALLED_MAX)]
    await recall(past, *many)
    assert len(past.asked) == 1 + RECONCILE_RECALLED_MAX


async def test_its_fee_counts_once_until_it_is_booked_with_the_first_of_its_payments() -> None:
    told = await recall(Past(bb=SEEN), lost(0, amount=5), lost())
    assert [each.transaction for each in unpaid_fees(told, ())] == ["bb"]
    assert unpaid_fees(told, {"bb"}) == []
    ours = Ours("GHOT", "GHOT", (), ("XLM",))
    fees = {
        each
        for difference in told
        for each in bookings(difference, ours, None)
        if each.id == "restored:event:bb:fee"
    }
    [fee] = fees
    assert (fee.debit, fee.credit, fee.amount) == ("treasury:XLM", "chain:hot:XLM", 200)


async def test_a_forgotten_bid_of_a_settlement_that_is_known_is_no_difference() -> None:
    """Method: the copy has its envelope, under the same sequence number, and another hash."""
    envelope = SignedEnvelope("", "aa", "GSENDER", 7, 0, 0, 0)
    sent = replace(PLANNED, state=State.SENT, signed=envelope)
    [told] = await recall(Past(sent, bb=SEEN), lost())
    assert (told.kind, told.settlement, told.seen) == (Kind.LATE, "set_1", None)
    applied = replace(sent, state=State.APPLIED)
    past = Past(applied, bb=SEEN)
    memories = await recalled([lost()], [told], past, past)
    assert memories.differences == []
    assert memories.over == {"event:bb:1", "payment:pay_1"}
    # Another transaction that says the same paid it twice.
    twice = Past(applied, bb=replace(SEEN, sequence=8))
    [told] = await recall(twice, lost())
    assert (told.kind, told.payment) == (Kind.MISSING_IN_LEDGER, "pay_1")
