"""Play money comes once for each time it was given, and chain and ledger are compared."""

import pytest
from stellar_sdk import Asset, Keypair, Payment

from metering.ledger.ledger import treasury_account
from metering.settlement.chain import ChainUnreachable
from metering.settlement.treasury import ChainWasReset, reconcile
from tests.metering.settlement.simulated import CLOSE_MS, XLM, World

GIFT = 10_000 * XLM


async def treasury(world: World) -> int:
    return await world.ledger.balance(treasury_account("XLM").id)


async def test_the_first_time_the_hot_account_is_created_and_recorded() -> None:
    world = World()
    assert await world.play_money.replenish() == GIFT
    assert await treasury(world) == GIFT
    assert world.balance(world.chain.address) == GIFT
    await world.check()


async def test_asking_again_changes_nothing_until_the_treasury_is_low() -> None:
    world = World()
    for _ in range(3):
        assert await world.play_money.replenish() == GIFT
    await world.add_creator("ana")
    await world.earn("ana", 9_001 * XLM)
    assert await world.play_money.replenish() == 2 * GIFT - 9_001 * XLM
    assert world.friendbot.gifts == 3, "two for the hot account, one for ana"
    await world.check()


async def test_a_gift_whose_answer_was_lost_is_recorded_the_next_time() -> None:
    """A crash between friendbot's transaction and our ledger."""
    world = World()
    await world.friendbot.fund(world.chain.address)
    assert await world.play_money.replenish() == GIFT
    assert world.friendbot.gifts == 1
    await world.friendbot.fund(world.chain.address)
    assert await world.play_money.replenish() == 2 * GIFT
    assert world.friendbot.gifts == 2
    await world.check()


async def test_gifts_of_equal_size_between_equal_balances_are_all_recorded() -> None:
    """The books pass through the same figures again; the ledgers are others."""
    world = World()
    await world.add_creator("ana")
    for _ in range(3):
        await world.earn("ana", 9_500 * XLM)
        await world.run()
    assert world.received("ana") == 3 * 9_500 * XLM
    await world.check()


async def test_what_comes_in_while_a_settlement_is_under_way_is_recorded_at_once() -> None:
    world = World()
    await world.add_creator("ana")
    await world.earn("ana", XLM)
    await world.worker.run_once()
    await world.friendbot.fund(world.chain.address)
    before = await treasury(world)
    assert await world.play_money.replenish() == before + GIFT
    await world.run()
    assert world.received("ana") == XLM
    assert await treasury(world) == 2 * GIFT - XLM - 100
    await world.check()


async def test_what_somebody_pays_in_never_becomes_the_treasurys() -> None:
    """Nobody is named on the payment, and it comes between two gifts."""
    world = World()
    await world.play_money.replenish()
    await world.add_creator("ana")
    payer = Keypair.random()
    await world.friendbot.fund(payer.public_key)
    payment = Payment(world.chain.address, Asset.native(), "12.5")
    world.run_operation(payer, payment)
    await world.friendbot.fund(world.chain.address)
    assert await world.play_money.replenish() == 2 * GIFT
    assert await world.ledger.balance("suspense:XLM") == 125 * XLM // 10
    await world.check()


async def test_what_a_node_forgot_is_not_made_up_for() -> None:
    world = World()
    await world.play_money.replenish()
    await world.friendbot.fund(world.chain.address)
    world.clock.advance(10 * CLOSE_MS)
    world.forget_history()
    await world.add_creator("ana")
    assert await world.play_money.replenish() == GIFT
    assert world.friendbot.gifts == 3


async def test_a_chain_without_the_account_that_the_ledger_counts_on_was_reset() -> None:
    world = World()
    await world.play_money.replenish()
    world.remove_account(world.chain.address)
    with pytest.raises(ChainWasReset):
        await world.play_money.replenish()
    assert not await world.worker.run_once(), "the worker rests and does not fail"


async def test_a_shortfall_is_seen_and_nothing_is_made_up() -> None:
    world = World()
    await world.play_money.replenish()
    world.drain(keep=GIFT - 5)
    books = await reconcile(world.real_chain, world.ledger)
    assert books.difference == -5
    assert await world.play_money.replenish() == GIFT


async def test_an_unreachable_chain_is_told() -> None:
    world = World()
    world.node.weather.lost_before = 1.0
    with pytest.raises(ChainUnreachable):
        await world.play_money.replenish()
