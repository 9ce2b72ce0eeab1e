"""What nobody claims comes back after 90 days; what was claimed is known to be."""

from stellar_sdk import ChangeTrust, ClaimClaimableBalance, Keypair

from config.limits import CLAIMABLE_RECLAIM_SECONDS, CLAIMS_LOOK_MS, CLAIMS_REST_SECONDS
from config.postgres import Database
from metering.audit.payouts import check_payouts
from metering.ledger.ledger_postgres import PostgresLedger
from metering.localnet.entries import ClaimableBalance
from metering.settlement.outbox import PayoutView, State
from metering.settlement.outbox_postgres import PostgresOutbox
from metering.settlement.transaction import Slot, claimable_id
from tests.metering.settlement.dollars import DOLLAR, Dollars

_REST_MS = CLAIMS_REST_SECONDS * 1000
_PATIENCE_MS = CLAIMABLE_RECLAIM_SECONDS * 1000 + 2 * _REST_MS


async def last(world: Dollars, creator: str) -> PayoutView:
    return (await world.stored.payouts(creator, world.asset, 9))[0]


async def later(world: Dollars, milliseconds: int) -> None:
    world.clock.advance(milliseconds)
    await world.run()
    await world.check()


def claim(world: Dollars, keys: Keypair, payout: PayoutView, *, trusts: bool = False) -> None:
    """As the payee's wallet does."""
    assert payout.sequence is not None
    if not trusts:
        trust(world, keys)
    balance = claimable_id(Slot(payout.source, payout.sequence, 0), payout.place)
    world.run_operation(keys, ClaimClaimableBalance(balance))


def trust(world: Dollars, keys: Keypair) -> None:
    world.run_operation(keys, ChangeTrust(world.usd))
    world.allow(keys.public_key)


def left(world: Dollars) -> list[int]:
    """The amounts of what is left on the chain."""
    return [e.amount for e in world.network._entries.all() if isinstance(e, ClaimableBalance)]


async def planned(world: Dollars, creator: str) -> int:
    return len(await world.stored.payouts(creator, world.asset, 9))


async def test_what_nobody_claims_comes_back_and_is_paid_once_its_payee_takes_it(
    database: Database,
) -> None:
    ledger = PostgresLedger(database)
    world = Dollars((ledger, PostgresOutbox(database, ledger)))
    await world.begin()
    ana, ben = await world.add_payee("ana"), await world.add_payee("ben")
    await world.earn("ana", 2 * DOLLAR)
    await world.earn("ben", 3 * DOLLAR)
    await later(world, 0)
    assert sorted(left(world)) == [2 * DOLLAR, 3 * DOLLAR]
    claim(world, ben, await last(world, "ben"))
    await later(world, CLAIMS_LOOK_MS)
    assert not (await last(world, "ben")).claimed, "not every node may have it yet"
    await later(world, _REST_MS + CLAIMS_LOOK_MS)
    assert (await last(world, "ben")).claimed
    assert not (await last(world, "ana")).claimed
    fees = world.balance(world.signer.channels[0]), world.balance(world.signer.channels[1])
    await later(world, _PATIENCE_MS - 3 * _REST_MS)
    assert not (await last(world, "ana")).reclaimed, "it may be claimed still"
    assert sum(fees) == sum(map(world.balance, world.signer.channels)), "nothing was sent"
    await later(world, 3 * _REST_MS)
    assert (await last(world, "ana")).reclaimed
    assert left(world) == []
    assert sum(fees) > sum(map(world.balance, world.signer.channels)), "a fee was paid"
    assert await world.stored.totals("ana", world.asset) == (0, 0)
    assert await world.stored.totals("ben", world.asset) == (0, 3 * DOLLAR)
    # It does not come and go for ever.
    await later(world, _PATIENCE_MS)
    assert await planned(world, "ana") == 1
    assert await world.stored.obstacle("ana", world.asset) == "op_no_trust"
    trust(world, ana)
    await later(world, CLAIMS_LOOK_MS)
    assert world.line("ana") == 2 * DOLLAR
    assert world.line("ben") == 3 * DOLLAR, "once"
    assert (await last(world, "ana")).claimable is False
    assert await world.stored.obstacle("ana", world.asset) is None
    async with database.transaction() as connection:
        found = [each for each in await check_payouts(connection) if each.rule == "I11"]
    assert [each for each in found if each.violations] == []


async def test_who_claims_while_it_is_taken_back_has_it_once() -> None:
    world = Dollars()
    await world.begin()
    ben = await world.add_payee("ben")
    await world.earn("ben", 3 * DOLLAR)
    await later(world, 0)
    trust(world, ben)
    world.clock.advance(_PATIENCE_MS)
    world.node.swallows = True
    await world.worker.run_once()
    world.node.swallows = False
    [reclaim] = await world.stored.unfinished()
    claim(world, ben, await last(world, "ben"), trusts=True)
    await world.run()
    ended = await world.stored.settlement(reclaim.id)
    assert ended is not None
    assert ended.outcome is not None
    assert (ended.state, ended.outcome.operations) == (State.FAILED, ("op_does_not_exist",))
    await later(world, _REST_MS + 2 * CLAIMS_LOOK_MS)
    assert (await last(world, "ben")).claimed
    assert world.line("ben") == 3 * DOLLAR
    assert await planned(world, "ben") == 1
