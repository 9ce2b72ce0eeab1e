"""While the store does not answer, who was let in goes on within the credit; nothing is lost."""

import asyncio

import pytest

from config.clock import ManualClock
from config.limits import INTAKE_BEHIND_MS_MAX
from metering.errors import MeteredElsewhere, MeterUnavailable
from metering.intake import Balance, Intake
from metering.leases.lease import LeaseTerms, Server
from metering.money import Stroops
from metering.outage import OutageRules
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.session import SessionState
from metering.tariff import Price
from tests.metering.watching import SEGMENT, Store, Viewer, Watch, turns

SECONDS = 12


@pytest.fixture
def outage() -> OutageRules:
    return OutageRules(seconds=SECONDS, stroops=2_000)


async def watched(viewer: Viewer, clock: ManualClock, first: int, last: int) -> None:
    """Play at the pace of a player: two seconds each."""
    for i in range(first, last):
        await viewer.play(i)
        clock.advance(2_000)


@pytest.mark.parametrize("happened", [False, True])
async def test_who_was_let_in_goes_on_and_pays_for_all_of_it(
    watch: Watch, intake: Intake, store: Store, clock: ManualClock, happened: bool
) -> None:
    """The commit that got no answer may have happened or not; the same one is sent again first."""
    viewer = await watch()
    await watched(viewer, clock, 0, 3)
    store.lost = happened
    await watched(viewer, clock, 3, 9)
    store.lost = None
    sent = len(store.commits)
    await intake.sweep()
    await watched(viewer, clock, 9, 11)
    summary = await intake.close(viewer.id)
    assert (summary.ticks, summary.amount, summary.balance) == (22, 2_200, 7_800)
    doubtful = store.commits[sent].changes[0]
    assert [served.sequence for served in doubtful.served] == [3]
    runs = store.tick_runs[viewer.id]
    assert [run.first_tick for run in runs[1:]] == [run.last_tick for run in runs[:-1]]
    assert sum(run.amount for run in runs) == 2_200
    assert {key[1] for key in store.deliveries} == set(range(11))


async def test_beyond_its_seconds_a_session_is_paused_and_goes_on_by_itself(
    watch: Watch, intake: Intake, store: Store, clock: ManualClock
) -> None:
    viewer, other = await watch(), await watch("w")
    store.lost = False
    await watched(viewer, clock, 0, SECONDS // 2)
    for _ in range(3):
        with pytest.raises(MeterUnavailable):
            await viewer.ask(SECONDS // 2)
    await viewer.play(0, SECONDS // 2 - 1)  # what it has already costs nothing more
    await other.play(0)
    assert intake.request_soon(viewer.id, 6, 6 * SEGMENT, 7 * SEGMENT) is None
    assert (await intake.summary(viewer.id)).state is SessionState.OPEN
    store.lost = None
    await intake.sweep()
    await viewer.play(SECONDS // 2)
    assert (await intake.close(viewer.id)).seconds_billed == SECONDS + 2


async def test_a_copy_of_what_has_no_credit_has_none_either(
    watch: Watch, intake: Intake, store: Store, clock: ManualClock
) -> None:
    """Asked for twice, it would be sent although nobody saved it (simulated history 503)."""
    viewer = await watch()
    long = (0, 0, (SECONDS + 1) * UNITS_PER_SECOND)
    store.gate.clear()
    first = asyncio.ensure_future(intake.request(viewer.id, *long))
    await turns()
    clock.advance(INTAKE_BEHIND_MS_MAX)
    assert intake.request_at_once(viewer.id, *long, prompt=False) is None
    store.gate.set()
    await first
    assert intake.request_at_once(viewer.id, *long, prompt=False) is not None


async def test_all_sessions_together_are_lent_no_more_than_the_operator_risks(
    watch: Watch, intake: Intake, store: Store, clock: ManualClock
) -> None:
    dear = Price("XLM", 300, 1)
    viewers = [await watch(f"v{i}", price=dear) for i in range(3)]
    store.lost = False
    for viewer in viewers:
        await viewer.play(0)
    for viewer in viewers:
        with pytest.raises(MeterUnavailable):
            await viewer.ask(1)
    assert await intake.balance("v0") == Balance(Stroops(9_400), Stroops(0))
    store.lost = None
    await intake.sweep()
    for viewer in viewers:
        await viewer.play(1)
        assert (await intake.close(viewer.id)).amount <= 1_200


async def test_who_spent_the_last_is_told_to_ask_again_since_nobody_can_look(
    watch: Watch, store: Store
) -> None:
    viewer = await watch(balance=200)
    store.lost = False
    await viewer.play(0)
    with pytest.raises(MeterUnavailable):
        await viewer.ask(1)


async def test_nobody_new_is_let_in_and_nobody_waits_for_that(
    watch: Watch, intake: Intake, store: Store
) -> None:
    viewer = await watch()
    store.lost = False
    await viewer.play(0)
    with pytest.raises(MeterUnavailable):
        await intake.open("v", "ast_1", "creator", Price("XLM", 0, 1))
    with pytest.raises(MeterUnavailable):
        await intake.fund("v", Stroops(1), "late")
    store.lost = None
    await intake.sweep()
    await intake.open("v", "ast_1", "creator", Price("XLM", 0, 1))


async def test_paces_are_kept(
    watch: Watch, intake: Intake, store: Store, clock: ManualClock
) -> None:
    viewer = await watch()
    store.lost = False
    await viewer.play(0, 1, 2, 3, 4)
    early = asyncio.ensure_future(viewer.ask(5))
    await turns()
    assert not early.done()
    clock.advance(1_000)
    await intake.sweep()
    await turns()
    assert (await early).sequence == 5


async def test_who_waits_for_a_store_that_hangs_is_let_go_on(
    watch: Watch, intake: Intake, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what is being saved is waited for, nor what came meanwhile; a stop is."""
    monkeypatch.setattr("metering.bookkeeper.INTAKE_BEHIND_MS_MAX", 10)
    one, two, leaving = [await watch(name) for name in ("one", "two", "leaving")]
    await leaving.play(0)
    store.gate.clear()
    asked = asyncio.ensure_future(one.ask(0))
    await turns()
    promise = intake.request_soon(two.id, 0, 0, SEGMENT)
    stopping = asyncio.ensure_future(intake.close(leaving.id))
    assert promise is not None
    async with asyncio.timeout(30):
        await asyncio.gather(asked, promise)
    assert not stopping.done()
    store.gate.set()
    assert (await stopping).state is SessionState.CLOSED
    for delivery in (await asked, promise.delivery):
        intake.finish(delivery, complete=True)
    assert [(await intake.close(each.id)).seconds_billed for each in (one, two)] == [2, 2]


async def test_while_the_store_is_slow_parts_go_on_too(
    watch: Watch, intake: Intake, store: Store, clock: ManualClock
) -> None:
    viewer = await watch()
    store.gate.clear()
    asked = asyncio.ensure_future(viewer.ask(0))
    await turns()
    clock.advance(INTAKE_BEHIND_MS_MAX)
    part = UNITS_PER_SECOND // 5
    delivery = intake.request_at_once(viewer.id, 1, SEGMENT, SEGMENT + part, prompt=True)
    assert delivery is not None
    intake.finish(delivery, complete=True)
    store.gate.set()
    intake.finish(await asked, complete=True)
    assert (await intake.close(viewer.id)).delivered_seconds == 2


async def test_nothing_is_lent_beyond_the_lease(
    watch: Watch, intake: Intake, store: Store, clock: ManualClock
) -> None:
    viewer = await watch()
    store.lost = False
    await viewer.play(0)
    terms = LeaseTerms()
    clock.advance(terms.duration_ms - terms.margin_ms)
    with pytest.raises(MeterUnavailable):
        await viewer.ask(1)
    store.lost = None
    await intake.sweep()
    await viewer.play(1)


async def test_what_another_server_took_over_meanwhile_is_not_charged(
    watch: Watch, intake: Intake, store: Store, clock: ManualClock
) -> None:
    """The store was away for us alone, for longer than our lease lasts."""
    viewer = await watch()
    await watched(viewer, clock, 0, 1)
    await intake.sweep()
    store.lost = False
    await watched(viewer, clock, 1, 5)
    other = Intake(store, clock, MeterRules(), server=Server("other", "https://other.example"))
    await other.start()
    await store.leases.release(1)
    clock.advance(LeaseTerms().renew_ms)
    store.lost = None
    await other.sweep()
    await intake.sweep()
    with pytest.raises(MeteredElsewhere, match=r"https://other\.example"):
        await viewer.ask(5)
    with pytest.raises(MeteredElsewhere):
        await intake.close(viewer.id)
    assert (await other.close(viewer.id)).seconds_billed == 2
    await other.stop()
