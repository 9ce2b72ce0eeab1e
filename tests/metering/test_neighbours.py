"""Two servers on one Postgres: what is asked of one about the other's sessions is done."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from config.clock import ManualClock
from config.limits import PRESENCE_PATIENCE_MS
from config.postgres import Database
from metering.errors import MeteredElsewhere
from metering.intake import InsufficientFunds, Intake
from metering.leases.lease import Server
from metering.leases.others_postgres import PostgresOthers
from metering.ledger.ledger import Transfer
from metering.money import Stroops
from metering.offer import Offer
from metering.repricing import NoSuchChange
from metering.rules import MeterRules
from metering.session import SessionState
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price, Tariff
from tests.metering.watching import HOT, PRICE, TREASURY, Viewer

ONE, TWO = Server("srv_one", "https://one.example"), Server("srv_two", "https://two.example")
DEARER = Tariff(Price("XLM", 200, 1))
SECONDS_MAX = 30


async def eventually(probe: Callable[[], Awaitable[object]]) -> None:
    """Ask until it is true: words take some milliseconds, and looks a second."""
    async with asyncio.timeout(SECONDS_MAX):
        while not await probe():  # noqa: ASYNC110 - another connection gives us no event
            await asyncio.sleep(0.01)


@dataclass
class Pair:
    one: Intake
    two: Intake
    clock: ManualClock
    database: Database

    async def at_one(self, viewer: str = "v") -> Viewer:
        return Viewer(self.one, (await self.one.open(viewer, "ast_1", "creator", PRICE)).session_id)

    async def of(self, server: Server) -> int:
        """How many open sessions a server has."""
        query = (
            "SELECT count(*) FROM playback_session JOIN meter_lease USING (fence)"
            " WHERE server = $1 AND closed_at IS NULL"
        )
        return int(await self.database.fetchval(query, server.id))


@pytest.fixture
async def pair(database: Database, clock: ManualClock) -> AsyncIterator[Pair]:
    store = PostgresMeterStore(database)
    fill = Transfer("fill", HOT.id, TREASURY.id, Stroops(10**9), "XLM", "fill")
    await store.post([HOT, TREASURY], [fill])
    intakes = []
    for mark, server in enumerate((ONE, TWO)):
        others = PostgresOthers(database, clock, mark)
        intake = Intake(store, clock, MeterRules(), server=server, others=others)
        await intake.start()
        intakes.append((intake, others))
    (one, _), (two, _) = intakes

    async def know_each_other() -> bool:
        marks = "SELECT count(*) FROM meter_lease WHERE mark IS NOT NULL"
        return all(each.are_there for _, each in intakes) and await database.fetchval(marks) == 2

    await eventually(know_each_other)
    await one.fund("v", Stroops(10_000), "gift")
    yield Pair(one, two, clock, database)
    await one.stop()
    await two.stop()


async def test_a_session_is_ended_through_another_server(pair: Pair) -> None:
    viewer = await pair.at_one()
    await viewer.play(0)
    ended = await pair.two.close(viewer.id)
    assert (ended.state, ended.seconds_billed) == (SessionState.CLOSED, 2)
    assert await pair.one.close(viewer.id) == ended


async def test_money_that_comes_in_elsewhere_can_be_spent(pair: Pair) -> None:
    viewer = await pair.at_one()
    before = (await pair.one.balance("v")).available
    await pair.two.fund("v", Stroops(500), "elsewhere")

    async def is_known() -> bool:
        return (await pair.one.balance("v")).available == before + 500

    await eventually(is_known)
    await viewer.play(0)


async def test_a_price_is_told_everywhere_and_agreed_to_anywhere(pair: Pair) -> None:
    viewer = await pair.at_one()
    await viewer.play(0)
    await pair.two.change_price("ast_1", DEARER)

    async def is_told() -> bool:
        return await pair.one.notice(viewer.id) is not None

    await eventually(is_told)
    told = await pair.two.notice(viewer.id)
    assert told == await pair.one.notice(viewer.id)
    assert told is not None
    with pytest.raises(NoSuchChange):
        await pair.two.agree(viewer.id, "epc_other")
    await pair.two.agree(viewer.id, DEARER.id)

    async def is_agreed() -> bool:
        notice = await pair.one.notice(viewer.id)
        return notice is not None and notice.agreed

    await eventually(is_agreed)
    assert await pair.two.notice(viewer.id) == await pair.one.notice(viewer.id)


async def test_sessions_of_a_viewer_come_together_at_one_server(pair: Pair) -> None:
    """There they share what may be left unwatched; another viewer's are where they are opened."""
    await pair.at_one()
    summary = await pair.two.open("v", "ast_2", "creator", PRICE)
    with pytest.raises(MeteredElsewhere, match=r"https://one\.example"):
        await Viewer(pair.two, summary.session_id).ask(0)
    await Viewer(pair.one, summary.session_id).play(0)
    await pair.two.fund("w", Stroops(1_000), "gift for w")
    await pair.two.open("w", "ast_1", "creator", PRICE)
    assert (await pair.of(ONE), await pair.of(TWO)) == (2, 1)
    await pair.two.open("x", "ast_3", "creator", Price("XLM", 0, 1), live_at=ONE.id)
    await pair.one.open("y", "ast_3", "creator", Price("XLM", 0, 1), live_at=ONE.id)
    assert (await pair.of(ONE), await pair.of(TWO)) == (4, 1)
    # Of a server that has gone: whoever is asked.
    await pair.two.open("z", "ast_4", "creator", Price("XLM", 0, 1), live_at="srv_gone")
    assert await pair.of(TWO) == 2


async def test_who_cannot_pay_the_first_second_opens_nothing_anywhere(pair: Pair) -> None:
    with pytest.raises(InsufficientFunds):
        await pair.two.open("poor", "ast_3", "creator", PRICE, live_at=ONE.id)
    assert await pair.of(ONE) == 0


async def test_a_day_of_two_servers_costs_no_more_than_its_cap(pair: Pair) -> None:
    offer = Offer(Tariff(PRICE), day_cap=500)
    first = await pair.one.open("v", "ast_1", "creator", offer)
    await Viewer(pair.one, first.session_id).play(0)
    second = await pair.two.open("v", "ast_1", "creator", offer)
    assert (await pair.one.summary(first.session_id)).state is SessionState.CLOSED
    assert second.tariff.session_cap == 300


async def test_a_server_that_has_died_is_succeeded_within_seconds(
    pair: Pair, database: Database
) -> None:
    """What died is somebody with a lease and without a connection."""
    dead = await PostgresMeterStore(database).leases.acquire(
        Server("srv_dead"), 3_600_000, succeed=True
    )
    await database.execute("UPDATE meter_lease SET mark = 99 WHERE fence = $1", dead)
    viewer = await pair.at_one()
    move = "UPDATE playback_session SET fence = $1 WHERE id = $2"
    other = await pair.two.open("z", "ast_2", "creator", Price("XLM", 0, 1))
    await pair.one.stop()
    await database.execute(move, dead, viewer.id)
    missed = "SELECT missed_at IS NOT NULL FROM meter_lease WHERE fence = $1"

    async def is_missed() -> bool:
        return bool(await database.fetchval(missed, dead))

    await eventually(is_missed)
    with pytest.raises(MeteredElsewhere):
        await Viewer(pair.two, viewer.id).ask(0)
    earlier = "UPDATE meter_lease SET missed_at = missed_at - interval '1 hour' WHERE fence = $1"
    await database.execute(earlier, dead)
    pair.clock.advance(PRESENCE_PATIENCE_MS)

    async def is_taken() -> bool:
        try:
            await Viewer(pair.two, viewer.id).play(0)
        except MeteredElsewhere:
            return False
        return True

    await eventually(is_taken)
    assert (await pair.two.close(viewer.id)).seconds_billed == 2
    await pair.two.close(other.session_id)


async def test_a_server_that_renews_is_not_given_up(pair: Pair, database: Database) -> None:
    """Its connection was lost, and it does not come back for a while."""
    leases = PostgresMeterStore(database).leases
    alive = await leases.acquire(Server("srv_alive"), 3_600_000, succeed=True)
    await database.execute("UPDATE meter_lease SET mark = 99 WHERE fence = $1", alive)
    pair.clock.advance(PRESENCE_PATIENCE_MS)
    missed = "SELECT missed_at IS NOT NULL FROM meter_lease WHERE fence = $1"
    for _ in range(2):

        async def is_missed() -> bool:
            return bool(await database.fetchval(missed, alive))

        await eventually(is_missed)
        await leases.renew(alive, 3_600_000)
    assert await database.fetchval("SELECT count(*) FROM meter_lease WHERE fence = $1", alive) == 1
