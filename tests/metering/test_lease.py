"""Two servers on one store: each session has one meter, and a dead server's go to another one."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from config.clock import ManualClock
from metering.errors import MeteredElsewhere, MeterUnavailable
from metering.intake import Intake
from metering.leases.holder import LeaseHolder
from metering.leases.lease import LeaseTerms, MemoryLeases, Server, lease_terms
from metering.ledger.ledger import Transfer
from metering.money import Stroops
from metering.outage import OutageRules
from metering.rules import MeterRules
from metering.session import SessionState
from tests.metering.watching import HOT, PRICE, TREASURY, Store, Viewer

TERMS = LeaseTerms()
ONE, TWO = Server("one", "https://one.example"), Server("two", "https://two.example")


@pytest.fixture
async def store(clock: ManualClock) -> AsyncIterator[Store]:
    """One whose leases run out."""
    store = Store(clock)
    fill = Transfer("fill", HOT.id, TREASURY.id, Stroops(10**9), "XLM", "fill")
    await store.post([HOT, TREASURY], [fill])
    yield store
    assert (await store.ledger.check()).sound


@pytest.fixture
def one(store: Store, clock: ManualClock) -> Intake:
    return Intake(store, clock, MeterRules(), server=ONE, outage=OutageRules(seconds=0))


@pytest.fixture
async def two(store: Store, clock: ManualClock) -> AsyncIterator[Intake]:
    intake = Intake(store, clock, MeterRules(), server=TWO, outage=OutageRules(seconds=0))
    yield intake
    await intake.stop()


async def viewer_of(intake: Intake) -> Viewer:
    await intake.fund("v", Stroops(10_000), "gift")
    return Viewer(intake, (await intake.open("v", "ast_1", "creator", PRICE)).session_id)


async def pass_time(clock: ManualClock, milliseconds: int, *living: Intake) -> None:
    """Second by second, in which those who live do what they do."""
    for _ in range(milliseconds // 1_000):
        clock.advance(1_000)
        for intake in living:
            await intake.sweep()


async def test_a_session_has_one_meter_and_others_say_where(
    one: Intake, two: Intake, clock: ManualClock
) -> None:
    await one.start()
    await two.start()
    viewer = await viewer_of(one)
    await pass_time(clock, 2 * TERMS.duration_ms, one, two)
    await viewer.play(0)
    elsewhere = Viewer(two, viewer.id)
    with pytest.raises(MeteredElsewhere, match=r"https://one\.example"):
        await elsewhere.ask(0)
    with pytest.raises(MeteredElsewhere):
        await two.close(viewer.id)
    assert (await two.summary(viewer.id)).state is SessionState.OPEN
    assert (await one.close(viewer.id)).seconds_billed == 2
    assert (await two.close(viewer.id)).seconds_billed == 2
    await one.stop()


async def test_a_dead_servers_sessions_are_taken_over_when_its_lease_is_over(
    one: Intake, two: Intake, clock: ManualClock
) -> None:
    await one.start()
    await two.start()
    viewer = await viewer_of(one)
    await viewer.play(0, 1)
    await pass_time(clock, 1_000, one, two)
    left = await one.balance("v")
    # From here on nothing is heard of it.
    await pass_time(clock, TERMS.duration_ms - 1_000, two)
    with pytest.raises(MeteredElsewhere):
        await Viewer(two, viewer.id).ask(2)
    await pass_time(clock, TERMS.renew_ms + 2_000, two)
    await Viewer(two, viewer.id).play(2)
    # It wakes up, with a clock that has gone on, and finds out before it serves anything.
    with pytest.raises((MeteredElsewhere, MeterUnavailable)):
        await viewer.ask(3)
    with pytest.raises(MeteredElsewhere, match=r"https://two\.example"):
        await viewer.ask(3)
    for ask in (one.look, one.require_open):
        with pytest.raises(MeteredElsewhere):
            ask(viewer.id)
    assert left.held == 100
    await pass_time(clock, 5_000, two)
    assert (await two.close(viewer.id)).seconds_billed == 6
    await one.stop()


async def test_a_frozen_server_goes_on_where_nobody_took_over(
    one: Intake, clock: ManualClock
) -> None:
    await one.start()
    viewer = await viewer_of(one)
    await viewer.play(0)
    clock.advance(2 * TERMS.duration_ms)
    assert one.request_at_once(viewer.id, 0, 0, 1, prompt=True) is None
    await viewer.play(1)
    assert (await one.close(viewer.id)).seconds_billed == 4
    await one.stop()


async def test_who_could_not_reach_the_store_either_waits_before_taking_over(
    one: Intake, two: Intake, store: Store, clock: ManualClock
) -> None:
    """The store was away for all, for longer than leases last: the holder may come back as well."""
    await one.start()
    await two.start()
    viewer = await viewer_of(one)
    await viewer.play(0)
    await one.sweep()
    clock.advance(3 * TERMS.duration_ms)
    await two.sweep()
    await pass_time(clock, TERMS.patience_ms - 2_000, two)
    await one.sweep()
    await viewer.play(1)
    await pass_time(clock, TERMS.patience_ms, one, two)
    assert (await one.close(viewer.id)).seconds_billed == 4
    await one.stop()


async def test_a_server_that_stops_gives_its_sessions_away(
    one: Intake, two: Intake, clock: ManualClock
) -> None:
    await one.start()
    await two.start()
    viewer = await viewer_of(one)
    await viewer.play(0, 1)
    await one.stop()
    await pass_time(clock, TERMS.renew_ms, two)
    assert (await two.close(viewer.id)).seconds_billed == 2


async def test_the_next_process_of_a_server_goes_on_at_once(
    one: Intake, store: Store, clock: ManualClock
) -> None:
    """The first one was killed: it has given nothing back."""
    await one.start()
    viewer = await viewer_of(one)
    await viewer.play(0)
    await pass_time(clock, 1_000, one)
    later = Intake(store, clock, MeterRules(), server=ONE)
    await later.start()
    await Viewer(later, viewer.id).play(1)
    await one.sweep()
    with pytest.raises(MeteredElsewhere):
        await viewer.ask(2)
    await one.stop()
    await pass_time(clock, 3_000, later)
    assert (await later.close(viewer.id)).seconds_billed == 4
    await later.stop()


async def test_who_lost_its_lease_meters_new_sessions_and_takes_nothing_back(
    one: Intake, store: Store, clock: ManualClock
) -> None:
    """A copied data directory: both believe that they are the same server."""
    await one.start()
    viewer = await viewer_of(one)
    copy = Intake(store, clock, MeterRules(), server=ONE)
    await copy.start()
    await pass_time(clock, 2 * TERMS.renew_ms, one, copy)
    other = Viewer(one, (await one.open("v", "ast_1", "creator", PRICE)).session_id)
    await pass_time(clock, 4 * TERMS.renew_ms, one, copy)
    await other.play(0)
    await Viewer(copy, viewer.id).play(0)
    assert (await one.close(other.id)).seconds_billed == 2
    assert (await copy.close(viewer.id)).seconds_billed == 2
    for intake in (one, copy):
        await intake.stop()


class HangingLeases(MemoryLeases):
    """Answers to whoever begins a lease, and then no more."""

    async def renew(self, fence: int, duration_ms: int) -> bool:
        never: bool = await asyncio.get_running_loop().create_future()
        return never

    async def release(self, fence: int) -> None:
        await asyncio.get_running_loop().create_future()


async def test_a_store_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metering.leases.holder.INTAKE_COMMIT_MS_MAX", 10)
    holder = LeaseHolder(HangingLeases(), ONE, TERMS)
    await holder.release()
    assert await holder.keep(0)
    with pytest.raises(MeterUnavailable, match="too long"):
        await holder.keep(TERMS.renew_ms)
    with pytest.raises(MeterUnavailable, match="too long"):
        await holder.release()
    assert holder.fence == 0


def test_a_lease_outlasts_the_outage_that_viewers_go_on_through() -> None:
    for seconds in (0, 30, 600):
        terms = lease_terms(seconds)
        assert terms.duration_ms - terms.margin_ms - terms.renew_ms >= seconds * 1_000
        assert terms.margin_ms < terms.duration_ms
    assert lease_terms(30) == TERMS
