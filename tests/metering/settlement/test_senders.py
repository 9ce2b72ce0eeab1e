"""Channel accounts are made and filled through the outbox, and send several payouts at once."""

from metering.ledger.ledger import sender_account
from metering.settlement.outbox import Kind
from tests.metering.settlement.simulated import XLM, World


async def held(world: World) -> list[int]:
    """What the ledger says that each channel account has."""
    balances = await world.ledger.balances("chain:sender:")
    return [-balances.get(sender_account(channel).id, 0) for channel in world.channels]


async def test_they_are_made_once_by_the_hot_account_and_then_they_send() -> None:
    world = World(channels=4)
    await world.earn_all({"ana": 5 * XLM, "ben": XLM})
    await world.worker.run_once()
    opening = (await world.stored.unfinished())[0]
    assert [payment.kind for payment in opening.payments] == [Kind.OPEN] * 4
    assert opening.source == world.signer.hot
    await world.run()
    assert await held(world) == [5 * XLM - 200] + [5 * XLM] * 3
    payout = await world.stored.payouts("ana", "XLM", 1)
    assert payout[0].state == "applied"
    assert world.received("ana") == 5 * XLM
    await world.check()
    world.new_worker()
    await world.earn("ana", XLM)
    await world.run()
    assert sum(await held(world)) == 20 * XLM - 300, "a fee more, and no other account"
    await world.check()


async def test_as_many_payouts_are_under_way_as_there_are_accounts_each_with_one() -> None:
    world = World(channels=3)
    await world.earn_all({"ana": XLM})
    await world.run()
    for number in range(5):
        await world.earn("ana", XLM + number)
        await world.worker.run_once()
    under_way = await world.stored.unfinished()
    assert len(under_way) == 3
    assert len({settlement.source for settlement in under_way} & set(world.channels)) == 3
    await world.run()
    assert world.received("ana") == world.earned["ana"]
    assert {p.state for p in await world.stored.payouts("ana", "XLM", 99)} == {"applied"}
    await world.check()


async def test_one_that_runs_low_is_filled_by_the_hot_account() -> None:
    world = World(channels=2)
    await world.earn_all({"ana": XLM})
    await world.run()
    before = await held(world)
    # Spent on fees, as far as anybody can tell.
    await world.spend_of_channel(world.channels[0], before[0] - XLM)
    await world.earn("ana", XLM)
    await world.run()
    assert (await held(world))[0] == 5 * XLM
    await world.check()


async def test_a_channel_account_that_nobody_knew_to_exist_is_filled_and_not_made() -> None:
    world = World(channels=1)
    await world.friendbot.fund(world.channels[0])
    await world.earn_all({"ana": XLM})
    await world.run()
    assert world.received("ana") == XLM
    [made] = world.channels
    assert world.balance(made) - (await held(world))[0] == 10_000 * XLM, "what is not in the books"


async def test_a_payout_that_is_stuck_does_not_hold_up_the_others() -> None:
    world = World(channels=2)
    await world.earn_all({"ana": XLM, "ben": XLM})
    await world.run()
    world.node.deaf_to = {world.channels[0]}
    await world.earn("ana", XLM)
    await world.worker.run_once()
    [stuck] = await world.stored.unfinished()
    assert stuck.source == world.channels[0]
    await world.earn("ben", 2 * XLM)
    await world.run(20)
    assert world.received("ben") == 3 * XLM
    assert world.received("ana") == XLM
    world.node.deaf_to = set()
    await world.run()
    assert world.received("ana") == 2 * XLM
    await world.check()
