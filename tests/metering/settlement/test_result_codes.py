"""Twelve answers of the network, one by one: what comes of each; and everybody is paid once."""

import pytest

from metering.settlement.lifecycle import Answer, Answered
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.sending import Found, NotFound
from tests.metering.settlement.simulated import XLM, CrashingChain, World


class Scripted(CrashingChain):
    """Says something else of the first envelope than the network would, which never gets it."""

    answer: Answered | None = None
    operations: tuple[str, ...] = ()
    first: str = ""

    async def send(self, envelope: SignedEnvelope) -> Answered:
        if not self.first:
            self.first = envelope.hash
            if self.answer is not None:
                return self.answer
        if self.operations and envelope.hash == self.first:
            return Answered(Answer.ACCEPTED)
        return await super().send(envelope)

    async def look(self, envelope: SignedEnvelope) -> Found | NotFound:
        if self.operations and envelope.hash == self.first:
            return Found(False, envelope.ledger + 1, 0, "tx_failed", self.operations)
        return await super().look(envelope)


async def scripted(
    answer: Answered | None = None, operations: tuple[str, ...] = ()
) -> tuple[World, Scripted]:
    """Ana and ben are due, and the first envelope that pays them meets this."""
    world = World(channels=1)
    await world.earn_all({"ana": XLM, "ben": XLM})
    await world.run()
    chain = Scripted(world.real_chain, world.crasher)
    chain.answer, chain.operations = answer, operations
    world.chain = chain
    world.new_worker()
    await world.earn_all({"ana": 3 * XLM, "ben": 2 * XLM})
    return world, chain


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer.BUSY, "TRY_AGAIN_LATER"),
        (Answer.UNKNOWN, "504"),
        (Answer.REFUSED, "tx_bad_seq"),
        (Answer.REFUSED, "tx_too_early"),
        (Answer.REFUSED, "tx_insufficient_balance"),
        (Answer.REFUSED, "tx_no_source_account"),
        (Answer.REFUSED, "tx_internal_error"),
    ],
)
async def test_what_is_not_taken_is_sent_again_as_it_was(answer: Answer, code: str) -> None:
    world, chain = await scripted(Answered(answer, code))
    await world.run(100)
    assert world.received("ana") == 4 * XLM
    [paid, _] = await world.stored.payouts("ana", "XLM", 9)
    assert (paid.state, paid.transaction_hash) == ("applied", chain.first)
    await world.check()


async def test_what_bids_too_little_bids_more_at_once() -> None:
    world, chain = await scripted(Answered(Answer.REFUSED, "tx_insufficient_fee"))
    await world.worker.run_once()
    [bid] = await world.stored.unfinished()
    assert [bump.fee for bump in bid.bumps] == [3_000]
    await world.run()
    [paid, _] = await world.stored.payouts("ana", "XLM", 9)
    assert (paid.state, paid.transaction_hash) == ("applied", chain.first), "the inner one's"
    await world.check()


@pytest.mark.parametrize("code", ["op_no_destination", "op_line_full"])
async def test_a_payee_who_cannot_be_paid_waits_and_the_others_are_paid_at_once(code: str) -> None:
    """Ana is first, as who has earned most."""
    world, _ = await scripted(operations=(code, "op_success"))
    await world.run(20)
    assert (world.received("ana"), world.received("ben")) == (XLM, 3 * XLM)
    assert await world.stored.obstacle("ana", "XLM") == "refused_lately"
    world.clock.advance(3_600_000)
    await world.run()
    assert world.received("ana") == 4 * XLM
    await world.check()


@pytest.mark.parametrize("code", ["op_underfunded", "op_malformed"])
async def test_what_is_our_own_fault_waits_for_a_minute_and_blames_nobody(code: str) -> None:
    world, _ = await scripted(operations=(code, "op_success"))
    await world.run(50)
    assert (world.received("ana"), world.received("ben")) == (XLM, XLM)
    world.clock.advance(60_000)
    await world.run()
    assert (world.received("ana"), world.received("ben")) == (4 * XLM, 3 * XLM)
    await world.check()


async def test_an_envelope_that_is_too_late_is_planned_anew_under_another_number() -> None:
    """tx_too_late, and the time is over by the ledger's clock, too."""
    world, chain = await scripted(Answered(Answer.REFUSED, "tx_too_late"))
    await world.worker.run_once()
    [late] = await world.stored.unfinished()
    assert late.signed is not None
    world.clock.advance(125_000)
    await world.run(20)
    [again, dead, _] = await world.stored.payouts("ana", "XLM", 9)
    assert (dead.state, dead.code, dead.transaction_hash) == ("dead", "expired", chain.first)
    assert again.state == "applied"
    assert world.received("ana") == 4 * XLM
    assert again.transaction_hash != late.signed.hash
    await world.check()
