"""What the earnings page is told."""

from metering.settlement.earnings import EarningsQuery
from tests.metering.settlement.simulated import CLOSE_MS, XLM, World


async def test_money_is_pending_then_on_its_way_then_settled() -> None:
    world = World()
    query = EarningsQuery(world.ledger, world.outbox, world.real_chain)
    nothing = await query.earnings("ana", "XLM")
    assert (nothing.pending, nothing.in_flight, nothing.settled, nothing.payouts) == (0, 0, 0, [])
    await world.add_creator("ana")
    await world.earn("ana", 3 * XLM)
    pending = await query.earnings("ana", "XLM")
    assert (pending.pending, pending.in_flight, pending.settled) == (3 * XLM, 0, 0)
    await world.worker.run_once()
    await world.earn("ana", XLM)
    moving = await query.earnings("ana", "XLM")
    assert (moving.pending, moving.in_flight, moving.settled) == (XLM, 3 * XLM, 0)
    assert moving.total == 4 * XLM
    assert [payout.state for payout in moving.payouts] == ["sent"]
    world.clock.advance(CLOSE_MS)
    await world.run()
    settled = await query.earnings("ana", "XLM")
    assert (settled.pending, settled.in_flight, settled.settled) == (0, 0, 4 * XLM)
    assert [payout.state for payout in settled.payouts] == ["applied", "applied"]
    assert settled.payouts[0].created_at > settled.payouts[1].created_at
    assert await query.on_chain_balance(world.payees.addresses["ana"]) == 10_004 * XLM


async def test_why_nobody_is_paid_is_told() -> None:
    world = World()
    query = EarningsQuery(world.ledger, world.outbox, world.real_chain)
    await world.earn("ana", XLM)
    await world.run()
    assert (await query.earnings("ana", "XLM")).obstacle == "no_address"


async def test_a_balance_that_cannot_be_told_is_none() -> None:
    world = World()
    query = EarningsQuery(world.ledger, world.outbox, world.real_chain)
    address = await world.add_creator("ana", on_chain=False)
    assert await query.on_chain_balance(address) is None
    world.node.weather.lost_before = 1.0
    assert await query.on_chain_balance(address) is None
