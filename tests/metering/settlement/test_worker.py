"""The settlement worker on a simulated network: everyone is paid once, whatever happens."""

from metering.ledger import creator_account, treasury_account
from tests.metering.settlement.simulated import XLM, World


async def test_creators_with_enough_are_paid_in_one_transaction_and_chain_and_ledger_agree() -> (
    None
):
    world = World()
    for creator, amount in (("ana", 5 * XLM), ("ben", 3 * XLM + 7), ("cy", 999)):
        await world.add_creator(creator)
        await world.earn(creator, amount)
    await world.run()
    assert world.received("ana") == 5 * XLM
    assert world.received("ben") == 3 * XLM + 7
    assert world.received("cy") == 0, "below the minimum"
    assert await world.ledger.balance(creator_account("cy", "XLM").id) == 999
    assert len(set(world.node.sent)) == 1
    await world.check()
    treasury = await world.ledger.balance(treasury_account("XLM").id)
    assert treasury == 10_000 * XLM - 8 * XLM - 7 - 999 - 200, "the fee is the operator's"
    [payout] = await world.stored.payouts("ana", "XLM", 10)
    assert payout.state == "applied"
    assert payout.transaction_hash is not None
    assert world.network.transaction(payout.transaction_hash) is not None
