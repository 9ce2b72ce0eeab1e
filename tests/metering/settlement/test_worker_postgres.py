"""The same worker with its outbox in Postgres: killed at every point, one after the other."""

import asyncio

from config.postgres import Database
from metering.audit.payouts import check_payouts
from metering.ledger.ledger_postgres import PostgresLedger
from metering.localnet.closing import Traffic
from metering.settlement.outbox_postgres import PostgresOutbox
from tests.metering.settlement.simulated import XLM, Crash, Crasher, World

# How many points one payout passes, with some more for the passes that only look.
_POINTS = 22


async def test_a_crash_at_each_point_in_turn_pays_each_round_once(database: Database) -> None:
    """Method: every round ana and ben earn, and the process dies one point later than before."""
    ledger = PostgresLedger(database)
    world = World(Crasher(), (ledger, PostgresOutbox(database, ledger)))
    for creator in ("ana", "ben"):
        await world.add_creator(creator)
    died = []
    for point in range(_POINTS):
        await world.earn("ana", XLM + point)
        await world.earn("ben", 2 * XLM)
        world.crasher.at = len(world.crasher.passed) + point
        for _ in range(2):
            try:
                await world.run()
            except Crash as crash:
                died.append(str(crash))
                world.new_worker()
        assert world.received("ana") == world.earned["ana"]
        assert world.received("ben") == world.earned["ben"]
        await world.check()
    assert len(set(died)) >= 14, "each kind of point was hit"
    payouts = await world.stored.payouts("ana", "XLM", 100)
    assert len(payouts) == _POINTS
    assert {payout.state for payout in payouts} == {"applied"}


async def test_two_workers_on_one_database_pay_once(database: Database) -> None:
    ledger = PostgresLedger(database)
    world = World(None, (ledger, PostgresOutbox(database, ledger)))
    await world.add_creator("ana")
    await world.earn("ana", XLM)
    first, second = world.worker, world.new_worker()
    for _ in range(15):
        await asyncio.gather(first.run_once(), second.run_once())
        world.clock.advance(1_000)
        world.network.advance(world.clock.wall_ms())
    assert world.received("ana") == XLM
    assert len(await world.stored.payouts("ana", "XLM", 9)) == 1
    await world.check()


async def test_the_audit_finds_each_transfer_where_it_belongs(database: Database) -> None:
    """Of channel accounts that were made, of a higher bid, and of a payout that came back."""
    ledger = PostgresLedger(database)
    world = World(None, (ledger, PostgresOutbox(database, ledger)), channels=2)
    await world.earn_all({"ana": XLM, "ben": XLM})
    await world.run()
    await world.earn_all({"ana": XLM, "ben": 2 * XLM})
    await world.worker.run_once()
    async with database.transaction() as connection:
        assert [each for each in await check_payouts(connection) if each.violations] == []
    world.network.traffic = Traffic(crowd_rate=900)
    await world.run()
    world.network.traffic = Traffic()
    removed = world.payees.addresses["ben"]
    await world.earn_all({"ana": XLM, "ben": 2 * XLM})
    await world.worker.run_once()
    world.remove_account(removed)
    await world.run(20)
    assert {p.state for p in await world.stored.payouts("ben", "XLM", 9)} == {"applied", "failed"}
    await world.check()
    async with database.transaction() as connection:
        assert [each for each in await check_payouts(connection) if each.violations] == []
