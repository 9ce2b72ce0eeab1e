"""The settlement worker on a simulated network: everyone is paid once, whatever happens."""

import asyncio
import random

import pytest

from metering.ledger.ledger import creator_account, hot_account, treasury_account
from metering.settlement.chain import WrongNetwork
from tests.metering.settlement.keyed_chain import KeyedChain
from tests.metering.settlement.simulated import (
    XLM,
    Crash,
    Crasher,
    Weather,
    World,
)


async def owed(world: World, creator: str) -> int:
    return await world.ledger.balance(creator_account(creator, "XLM").id)


async def test_creators_with_enough_are_paid_in_one_transaction() -> None:
    world = World()
    for creator, amount in (("ana", 5 * XLM), ("ben", 3 * XLM + 7), ("cy", 999)):
        await world.add_creator(creator)
        await world.earn(creator, amount)
    await world.run()
    assert world.received("ana") == 5 * XLM
    assert world.received("ben") == 3 * XLM + 7
    assert world.received("cy") == 0, "below the minimum"
    assert await owed(world, "cy") == 999
    assert len(set(world.node.sent)) == 1
    await world.check()
    treasury = await world.ledger.balance(treasury_account("XLM").id)
    assert treasury == 10_000 * XLM - 8 * XLM - 7 - 999 - 200, "the fee is the operator's"
    [payout] = await world.stored.payouts("ana", "XLM", 10)
    assert payout.state == "applied"
    assert payout.transaction_hash is not None
    assert world.network.transaction(payout.transaction_hash) is not None


async def test_more_creators_than_one_transaction_holds_are_paid_in_several() -> None:
    world = World()
    for number in range(103):
        creator = f"creator{number:03d}"
        world.payees.addresses[creator] = world.root
        await world.earn(creator, 10_000 + number)
    await world.run()
    assert len(set(world.node.sent)) == 2
    for number in range(103):
        assert await owed(world, f"creator{number:03d}") == 0


async def test_one_payee_without_an_account_does_not_hold_up_the_others() -> None:
    world = World()
    await world.add_creator("ana")
    await world.add_creator("lost", on_chain=False)
    for creator in ("ana", "lost", "shy"):
        await world.earn(creator, XLM)
    world.payees.addresses |= {"typo": "GNOTANADDRESS", "fox": world.chain.address}
    await world.earn("typo", XLM)
    await world.earn("fox", XLM)
    await world.run()
    assert world.received("ana") == XLM
    everyone = ("ana", "fox", "lost", "shy", "typo")
    obstacles = {c: await world.stored.obstacle(c, "XLM") for c in everyone}
    assert obstacles == {
        "ana": None,
        "fox": "own_address",
        "lost": "op_no_destination",
        "shy": "no_address",
        "typo": "bad_address",
    }
    assert [await owed(world, c) for c in everyone[1:]] == [XLM] * 4
    await world.friendbot.fund(world.payees.addresses["lost"])
    await world.run()
    assert world.received("lost") == XLM
    assert await world.stored.obstacle("lost", "XLM") is None
    await world.check()


# Every place where the process can die on the way of one payout, before and after each effect.
POINTS = (
    "before planning",
    "after planning",
    "before signing",
    "after signing",
    "before storing signed",
    "after storing signed",
    "before sending",
    "after sending",
    "before storing sent",
    "after storing sent",
    "before looking",
    "after looking",
)


async def paid_once(crasher: Crasher, weather: Weather | None = None) -> World:
    world = World(crasher)
    for creator in ("ana", "ben"):
        await world.add_creator(creator)
        await world.earn(creator, 2 * XLM)
    if weather is not None:
        world.node.weather = weather
    for _ in range(200):
        try:
            await world.run()
        except Crash:
            world.new_worker()
        if world.received("ana") and not await world.stored.unfinished(world.chain.address):
            break
    world.node.weather = Weather()
    await world.run(300)
    assert world.received("ana") == world.received("ben") == 2 * XLM
    await world.check()
    return world


async def test_a_payout_passes_every_named_point() -> None:
    crasher = Crasher()
    await paid_once(crasher)
    assert set(POINTS) < set(crasher.passed)
    assert {"before storing applied", "after storing applied"} < set(crasher.passed)


@pytest.mark.parametrize("point", range(20))
async def test_a_crash_at_any_point_neither_loses_nor_doubles_a_payout(point: int) -> None:
    crasher = Crasher(at=point)
    world = await paid_once(crasher)
    assert len(world.node.sent) >= 1
    applied = [p for p in await world.stored.payouts("ana", "XLM", 9) if p.state == "applied"]
    assert len(applied) == 1


async def test_what_is_sent_again_is_the_same_envelope() -> None:
    world = World()
    await world.add_creator("ana")
    await world.earn("ana", XLM)
    assert await world.worker.run_once()
    first = list(world.node.sent)
    world.node.weather = Weather(late=1.0)  # so that it is long on its way
    world.new_worker()
    await world.run(300)
    assert set(world.node.sent) == set(first)
    assert world.received("ana") == XLM


@pytest.mark.parametrize("seed", range(75))
async def test_lost_requests_lost_answers_and_late_ledgers_pay_everyone_exactly_once(
    seed: int,
) -> None:
    """One seed is one history: losses on both ways, late inclusion and up to three crashes."""
    chance = random.Random(seed)
    world = World(Crasher(at=chance.randrange(5, 30)))
    weather = Weather(
        random=chance,
        lost_before=chance.choice([0, 0.1, 0.3]),
        lost_after=chance.choice([0, 0.1, 0.3]),
        late=chance.choice([0, 0.5]),
    )
    creators = ["ana", "ben", "cy"]
    for creator in creators:
        await world.add_creator(creator)
    for _ in range(4):
        world.node.weather = Weather()
        for creator in chance.sample(creators, 2):
            await world.earn(creator, chance.randrange(1_000, 5 * XLM))
        world.node.weather = weather
        try:
            await world.run(passes=chance.randrange(1, 30))
        except Crash:
            world.new_worker()
            world.crasher.at = len(world.crasher.passed) + chance.randrange(5, 40)
        for creator in creators:
            assert world.received(creator) <= world.earned.get(creator, 0), "paid too much"
    world.node.weather = Weather()
    world.crasher.at = None
    world.new_worker()
    await world.run(400)
    for creator in creators:
        left = await owed(world, creator) if creator in world.earned else 0
        assert world.received(creator) + left == world.earned.get(creator, 0)
        assert left < 1_000, "nothing above the minimum is stuck"
    await world.check()


async def test_a_payout_that_never_arrived_is_planned_anew_only_after_its_time() -> None:
    world = World()
    await world.add_creator("ana")
    await world.earn("ana", XLM)
    lost = await world.send_into_the_void()
    assert await world.worker.run_once(), "it may still arrive, for all that we know"
    world.node.weather = Weather()
    world.clock.advance(120_000)
    await world.run()
    assert world.received("ana") == XLM
    states = [p.state for p in await world.stored.payouts("ana", "XLM", 9)]
    assert states == ["applied", "dead"]
    late = world.network.submit(lost, world.clock.wall_ms())
    assert late.result is not None, "the dead one can never be applied"
    await world.check()


async def test_an_envelope_overtaken_by_another_of_the_account_is_dead_at_once() -> None:
    """The sequence number was used by something else: no need to wait for the time bound."""
    world = World()
    await world.add_creator("ana")
    await world.earn("ana", XLM)
    await world.send_into_the_void()
    world.node.weather = Weather()
    world.use_up_sequence()
    await world.run()
    states = [p.state for p in await world.stored.payouts("ana", "XLM", 9)]
    assert states == ["applied", "dead"]
    codes = [p.code for p in await world.stored.payouts("ana", "XLM", 9)]
    assert codes == [None, "sequence_used"]
    assert world.received("ana") == XLM


async def test_a_node_that_forgot_the_time_of_signing_proves_nothing() -> None:
    """However long ago it was: the payout rests until an operator looks."""
    world = World()
    await world.add_creator("ana")
    await world.earn("ana", XLM)
    await world.send_into_the_void()
    world.node.weather = Weather()
    world.clock.advance(600_000)
    world.network.advance(world.clock.wall_ms())
    world.forget_history()
    for _ in range(5):
        assert await world.worker.run_once()
        world.clock.advance(10_000)
    [payout] = await world.stored.payouts("ana", "XLM", 9)
    assert payout.state == "sent"
    assert len(world.node.sent) == 0, "nothing more was sent"


async def test_a_failed_transaction_gives_the_money_back_and_lets_the_offender_rest() -> None:
    """Goal: a payee whom the look before could not catch costs one fee, not one a minute."""
    world = World()
    for creator in ("ana", "ben"):
        await world.add_creator(creator)
        await world.earn(creator, XLM)
    blocked = world.payees.addresses["ben"]
    await world.worker.run_once()  # signed and sent, to be applied by the next ledger
    removed = world.remove_account(blocked)
    await world.run(20)
    assert world.received("ana") == XLM, "paid by the next settlement, alone"
    assert [p.code for p in await world.stored.payouts("ben", "XLM", 9)] == ["op_no_destination"]
    assert await owed(world, "ben") == XLM
    assert await world.stored.obstacle("ben", "XLM") == "op_no_destination"
    world.restore_account(removed)
    await world.run()
    assert await world.stored.obstacle("ben", "XLM") == "refused_lately"
    world.clock.advance(3_600_000)
    await world.run()
    assert world.received("ben") == XLM
    await world.check()


async def test_a_hot_account_with_too_little_pays_whom_it_can() -> None:
    world = World()
    for creator in ("ana", "ben"):
        await world.add_creator(creator)
    await world.earn("ana", 8_000 * XLM)
    await world.earn("ben", 2 * XLM)
    world.drain(keep=100 * XLM)
    await world.run(20)
    assert world.received("ana") == 0
    assert world.received("ben") == 2 * XLM


async def test_nothing_is_sent_to_another_network() -> None:
    world = World()
    await world.add_creator("ana")
    await world.earn("ana", XLM)
    other = KeyedChain("http://node", "Public Network", world.seed, world.node)
    with pytest.raises(WrongNetwork):
        await other.fee_p80()
    world.chain.real = other
    assert not await world.worker.run_once()
    assert world.node.sent == []
    assert await owed(world, "ana") == XLM


async def test_two_workers_of_one_hot_account_pay_once() -> None:
    world = World()
    for number in range(4):
        await world.add_creator(f"c{number}")
        await world.earn(f"c{number}", XLM)
    first, second = world.worker, world.new_worker()
    for _ in range(20):
        await asyncio.gather(first.run_once(), second.run_once())
        world.clock.advance(1_000)
        world.network.advance(world.clock.wall_ms())
    assert [world.received(f"c{number}") for number in range(4)] == [XLM] * 4
    await world.check()


async def test_the_loop_starts_settles_and_stops() -> None:
    world = World()
    await world.add_creator("ana")
    await world.earn("ana", XLM)
    await world.worker.start()
    async with asyncio.timeout(30):
        await world.node.was_sent_to.wait()
    await world.worker.stop()
    assert await world.ledger.balance(hot_account("XLM").id) < 0
