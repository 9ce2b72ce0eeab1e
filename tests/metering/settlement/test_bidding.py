"""When others bid more, so do we, ten times as much, until the budget is spent."""

from dataclasses import replace

from metering.ledger.ledger import sender_account, treasury_account
from metering.localnet.closing import Traffic
from metering.settlement.outbox import Settlement, State
from metering.settlement.sending import NotFound
from tests.metering.settlement.simulated import TERMS, XLM, Crasher, World


async def crowded(world: World, rate: int) -> Settlement:
    """A payout that was planned just before others began to bid so much; it is sent."""
    await world.earn_all({"ana": XLM, "ben": XLM})
    await world.run()
    await world.earn_all({"ana": XLM, "ben": XLM})
    await world.worker.run_once()
    world.network.traffic = Traffic(crowd_rate=rate)
    [sent] = await world.stored.unfinished()
    return sent


async def test_what_no_ledger_takes_gets_a_higher_bid_that_the_hot_account_pays() -> None:
    world = World(channels=1)
    sent = await crowded(world, rate=900)
    assert sent.signed is not None
    assert sent.signed.fee == 200
    before = world.balance(world.channels[0]), world.balance(world.signer.hot)
    await world.run()
    ended = await world.stored.settlement(sent.id)
    assert ended is not None
    assert ended.outcome is not None
    [bid] = ended.bumps
    assert (ended.outcome.code, bid.fee) == ("tx_fee_bump_inner_success", 3_000)
    assert ended.outcome.fee_charged == 2_700, "what the others bid, of an operation more"
    assert bid.ledger - sent.signed.ledger == 2
    after = world.balance(world.channels[0]), world.balance(world.signer.hot)
    assert (before[0] - after[0], before[1] - after[1]) == (0, 2 * XLM + 2_700)
    assert world.received("ana") == 2 * XLM
    assert (await world.stored.payouts("ana", "XLM", 9))[0].state == "applied"
    await world.check()


async def test_the_bid_is_what_others_pay_when_that_is_more() -> None:
    world = World(channels=1)
    sent = await crowded(world, rate=3_000)
    await world.run()
    ended = await world.stored.settlement(sent.id)
    assert ended is not None
    assert [bid.fee for bid in ended.bumps] == [9_000]
    assert ended.state == State.APPLIED
    await world.check()


async def test_both_hashes_are_looked_for() -> None:
    """Goal: a node that knows only the hash of the bump does not make us pay twice."""
    world = World(channels=1)
    world.node.knows_inner_hashes = False
    sent = await crowded(world, rate=900)
    await world.run()
    ended = await world.stored.settlement(sent.id)
    assert ended is not None
    assert ended.signed is not None
    assert isinstance(await world.real_chain.look(ended.signed), NotFound)
    assert ended.state == State.APPLIED
    assert world.received("ana") == 2 * XLM
    await world.check()


async def test_beyond_what_we_ever_bid_payouts_wait_and_are_paid_when_it_is_over() -> None:
    world = World(channels=1)
    await crowded(world, rate=50_000)
    await world.run(150)
    assert world.received("ana") == XLM
    await world.check_flight()
    world.network.traffic = Traffic()
    await world.run(150)
    assert world.received("ana") == 2 * XLM
    await world.check()


async def test_the_days_budget_for_fees_is_not_exceeded() -> None:
    world = World(channels=1, terms=replace(TERMS, daily_fees=2_000))
    before = await world.ledger.balances(treasury_account("XLM").id)
    sent = await crowded(world, rate=2_500)
    await world.run(200)
    assert world.received("ana") == XLM, "no bid of 7,500 with a budget of 2,000"
    dead = await world.stored.settlement(sent.id)
    assert dead is not None
    assert (dead.state, dead.bumps) == (State.DEAD, ())
    world.network.traffic = Traffic()
    await world.run()
    assert world.received("ana") == 2 * XLM
    assert await world.ledger.balances(treasury_account("XLM").id) != before
    await world.check()
    # Four payments and the channel account cost 500: 1,500 are left, for 15 payments more.
    await world.earn_all({f"c{n:02d}": XLM for n in range(20)})
    await world.run()
    paid = [world.received(f"c{n:02d}") for n in range(20)]
    assert paid.count(XLM) == 15
    world.clock.advance(24 * 3_600_000)
    await world.run()
    assert world.received("c00") == world.received("c19") == XLM
    await world.check()


async def test_a_crash_at_any_point_of_bidding_neither_loses_nor_doubles() -> None:
    for point in range(0, 14, 2):
        world = World(Crasher(), channels=1)
        await crowded(world, rate=900)
        await world.survive(point)
        assert world.received("ana") == world.received("ben") == 2 * XLM
        fees = -(await world.ledger.balance(sender_account(world.channels[0]).id))
        assert fees == world.balance(world.channels[0])
        await world.check()
