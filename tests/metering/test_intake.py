"""What the intake promises."""

import asyncio
from contextlib import suppress

import pytest

from config.clock import ManualClock
from config.limits import (
    INTAKE_PACE_MS_MAX,
    INTAKE_WAITING_MAX,
    METER_INTERVALS_MAX,
    SESSION_IDLE_MS_MAX,
    SESSION_WATCHING_MS_MAX,
)
from metering.errands import TakingOut
from metering.errors import MeteredElsewhere
from metering.intake import (
    Balance,
    Delivery,
    InsufficientFunds,
    Intake,
    MeterUnavailable,
    Overloaded,
    Paced,
    SessionClosed,
    UnknownSession,
)
from metering.leases.lease import Server
from metering.ledger.ledger import (
    Transfer,
    WouldOverdraw,
    hot_account,
    viewer_account,
)
from metering.money import Stroops
from metering.offer import Offer
from metering.rules import MeterRules
from metering.session import SavedSession, SessionState
from metering.tariff import Price, Tariff
from tests.metering.watching import HOT, PRICE, SEGMENT, Store, Viewer, Watch, turns

# --- requests ------------------------------------------------------------------------------------


async def test_watching_moves_money_from_the_viewer_to_the_creator(
    watch: Watch, intake: Intake, store: Store, clock: ManualClock
) -> None:
    viewer = await watch()
    await viewer.play(0, 1, 2)
    clock.advance(1_500)
    await intake.sweep()
    assert await viewer.billed() == 3
    assert await intake.balance("v") == Balance(Stroops(9_400), Stroops(300))
    summary = await intake.close(viewer.id)
    assert (summary.state, summary.ticks, summary.amount) == (SessionState.CLOSED, 3, 300)
    assert (summary.held, summary.balance, summary.delivered_seconds) == (0, 9_700, 6)
    assert await store.ledger.balances("creator") == {"creator:creator:XLM": 300}


async def test_what_is_found_to_be_missing_something_gives_back_what_was_held_for_it(
    watch: Watch, intake: Intake, store: Store
) -> None:
    viewer = await watch()
    await viewer.play(0, 1, 2)
    assert await intake.balance("v") == Balance(Stroops(9_400), Stroops(400))
    intake.waive(viewer.id, 2 * SEGMENT, 3 * SEGMENT)
    assert await intake.balance("v") == Balance(Stroops(9_600), Stroops(200))
    await intake.sweep()
    assert (await store.balances(["viewer:v:XLM"])) == {"viewer:v:XLM": 9_600}
    summary = await intake.summary(viewer.id)
    assert (summary.held + summary.amount, summary.seconds_waived) == (400, 2)


async def test_a_request_is_answered_when_its_hold_is_durable_and_not_before(
    watch: Watch, store: Store
) -> None:
    viewer = await watch()
    store.gate.clear()
    asked = asyncio.ensure_future(viewer.ask(0))
    await turns()
    assert not asked.done()
    store.gate.set()
    delivery = await asked
    assert (delivery.session_id, delivery.sequence) == (viewer.id, 0)
    assert store.deliveries.keys() == {(viewer.id, 0, 1)}
    assert (await store.ledger.balances("hold:")) == {f"hold:{viewer.id}": 200}


async def test_sound_does_not_overtake_the_hold_that_the_picture_waits_for(
    watch: Watch, store: Store
) -> None:
    viewer = await watch()
    store.gate.clear()
    both = [asyncio.ensure_future(viewer.ask(0)) for _ in range(2)]
    await turns()
    assert not any(each.done() for each in both)
    store.gate.set()
    await asyncio.gather(*both)
    await viewer.play(0)
    assert len(store.commits) == 1


async def test_sound_that_is_asked_for_during_the_commit_waits_for_it_too(
    watch: Watch, store: Store
) -> None:
    viewer = await watch()
    store.gate.clear()
    picture = asyncio.ensure_future(viewer.ask(0))
    await turns()
    sound = asyncio.ensure_future(viewer.ask(0))
    await turns()
    assert not sound.done()
    store.gate.set()
    await asyncio.gather(picture, sound)
    assert len(store.commits) == 1


async def test_requests_that_come_during_a_commit_share_the_next_one(
    watch: Watch, store: Store
) -> None:
    viewers = [await watch(f"v{i}") for i in range(50)]
    store.gate.clear()
    first = asyncio.ensure_future(viewers[0].ask(0))
    await turns()
    others = [asyncio.ensure_future(viewer.ask(0)) for viewer in viewers[1:]]
    await turns()
    store.gate.set()
    await asyncio.gather(first, *others)
    assert [len(batch.changes) for batch in store.commits] == [1, 49]


async def test_an_aborted_body_is_not_billed(
    watch: Watch, intake: Intake, clock: ManualClock
) -> None:
    viewer = await watch()
    intake.finish(await viewer.ask(0), complete=False)
    clock.advance(10_000)
    await intake.sweep()
    assert await viewer.billed() == 0
    assert await intake.balance("v") == Balance(Stroops(10_000), Stroops(0))


async def test_whoever_waits_while_the_session_is_ended_is_sent_nothing(
    watch: Watch, intake: Intake, store: Store
) -> None:
    """Its hold went with the session (simulated history 547)."""
    viewer = await watch()
    store.gate.clear()
    first = asyncio.ensure_future(viewer.ask(0))
    await turns()
    second = asyncio.ensure_future(viewer.ask(1))
    promise = intake.request_soon(viewer.id, 2, 2 * SEGMENT, 3 * SEGMENT)
    ending = asyncio.ensure_future(intake.close(viewer.id))
    await turns()
    store.gate.set()
    await first
    assert (await ending).state is SessionState.CLOSED
    assert promise is not None
    for refused in (second, promise):
        with pytest.raises(SessionClosed):
            await refused


async def test_finishing_twice_or_late_does_nothing(watch: Watch, intake: Intake) -> None:
    viewer = await watch()
    delivery = await viewer.ask(0)
    intake.finish(delivery, complete=True)
    intake.finish(delivery, complete=False)
    await intake.close(viewer.id)
    intake.finish(delivery, complete=True)
    assert await viewer.billed() == 2


async def test_a_viewer_who_goes_while_waiting_is_not_billed(
    watch: Watch, intake: Intake, store: Store, clock: ManualClock
) -> None:
    viewer = await watch()
    store.gate.clear()
    asked = asyncio.ensure_future(viewer.ask(0))
    await turns()
    asked.cancel()
    store.gate.set()
    with suppress(asyncio.CancelledError):
        await asked
    clock.advance(5_000)
    await intake.sweep()
    assert await intake.balance("v") == Balance(Stroops(10_000), Stroops(0))
    assert await viewer.billed() == 0


# --- pace ----------------------------------------------------------------------------------------


async def test_a_player_too_far_ahead_is_held_until_there_was_time(
    watch: Watch, intake: Intake, clock: ManualClock
) -> None:
    viewer = await watch()
    await viewer.play(0, 1, 2, 3, 4)
    early = asyncio.ensure_future(viewer.ask(5))
    await turns()
    assert not early.done()
    clock.advance(1_000)
    await intake.sweep()
    await turns()
    assert early.done()
    assert (await early).sequence == 5


async def test_a_player_who_stays_too_far_ahead_is_told_when_to_come_back(
    watch: Watch, intake: Intake, clock: ManualClock
) -> None:
    viewer = await watch()
    # Bodies that never end hold the lead.
    for i in range(3):
        await viewer.ask(i)
    early = asyncio.ensure_future(viewer.ask(3))
    await turns()
    clock.advance(INTAKE_PACE_MS_MAX - 1)
    await intake.sweep()
    await turns()
    assert not early.done()
    clock.advance(1)
    await intake.sweep()
    with pytest.raises(Paced) as paced:
        await early
    assert paced.value.retry_after_s >= 1


# --- money ---------------------------------------------------------------------------------------


async def test_a_session_needs_money_for_one_tick(watch: Watch) -> None:
    with pytest.raises(InsufficientFunds) as refused:
        await watch(balance=99)
    assert (refused.value.needed, refused.value.available) == (100, 99)
    await watch("w", balance=100)
    await watch("nobody", balance=0, price=Price("XLM", 0, 1))


async def test_what_cannot_be_paid_is_not_served(watch: Watch, intake: Intake) -> None:
    viewer = await watch(balance=500)
    await viewer.play(0, 1)
    with pytest.raises(InsufficientFunds) as refused:
        await viewer.ask(2)
    assert (refused.value.needed, refused.value.available) == (200, 100)
    await intake.fund("v", Stroops(100), "more")
    await viewer.play(2)


async def test_money_that_arrived_without_telling_us_is_found(watch: Watch, store: Store) -> None:
    viewer = await watch(balance=300)
    await viewer.play(0)
    deposit = Transfer("dep", HOT.id, "viewer:v:XLM", Stroops(500), "XLM", "deposit")
    await store.post([], [deposit])
    await viewer.play(1, 2)


async def test_money_that_went_without_telling_us_ends_only_that_viewer(
    watch: Watch, intake: Intake, store: Store
) -> None:
    poor, rich = await watch("poor", 400), await watch("rich", 400)
    drain = Transfer("out", "viewer:poor:XLM", HOT.id, Stroops(350), "XLM", "withdraw")
    await store.post([], [drain])
    store.gate.clear()
    first = asyncio.ensure_future(rich.ask(0))
    await turns()
    both = [asyncio.ensure_future(viewer.ask(i)) for viewer, i in ((poor, 0), (rich, 1))]
    await turns()
    store.gate.set()
    await first
    refused, served = await asyncio.gather(*both, return_exceptions=True)
    assert isinstance(refused, InsufficientFunds)
    assert isinstance(served, Delivery)
    await intake.sweep()
    assert await intake.balance("poor") == Balance(Stroops(50), Stroops(0))
    assert (await intake.summary(poor.id)).state is SessionState.OPEN


async def test_a_session_ends_also_when_its_money_went_without_telling_us(
    watch: Watch, intake: Intake, store: Store
) -> None:
    """What was not saved is not charged then (simulated history 532785581241)."""
    viewer = await watch(balance=400)
    part = intake.request_at_once(viewer.id, 0, 0, SEGMENT, prompt=True)
    assert part is not None
    intake.finish(part, complete=True)
    drain = Transfer("out", "viewer:v:XLM", HOT.id, Stroops(350), "XLM", "withdraw")
    await store.post([], [drain])
    summary = await intake.close(viewer.id)
    assert (summary.state, summary.ticks, summary.balance) == (SessionState.CLOSED, 0, 50)


async def test_what_is_promised_and_not_saved_yet_cannot_be_taken_out(
    watch: Watch, intake: Intake, store: Store
) -> None:
    """Nor is what is being taken out promised to the session meanwhile."""
    viewer = await watch(balance=400)
    account = viewer_account("v", "XLM")

    def taking(amount: int, refused: Exception | None = None) -> TakingOut:
        async def work() -> None:
            assert intake.request_at_once(viewer.id, 1, SEGMENT, 2 * SEGMENT, prompt=True) is None
            if refused is not None:
                raise refused
            out = Transfer(f"out{amount}", account.id, HOT.id, Stroops(amount), "XLM", "withdrawal")
            await store.post([], [out])

        return TakingOut(account, Stroops(amount), work)

    part = intake.request_at_once(viewer.id, 0, 0, SEGMENT, prompt=True)
    assert part is not None
    intake.finish(part, complete=True)
    with pytest.raises(InsufficientFunds):
        await intake.take_out(taking(201))
    with pytest.raises(MeterUnavailable):
        await intake.take_out(taking(200, MeterUnavailable("gone")))
    assert (await intake.balance("v")).available == 200
    await intake.take_out(taking(200))
    assert (await intake.balance("v")).available == 0
    summary = await intake.close(viewer.id)
    assert (summary.ticks, summary.balance) == (2, 0), "what it was shown is paid for"


async def test_of_two_sessions_that_begin_at_once_a_cap_for_a_day_leaves_one(
    watch: Watch, intake: Intake
) -> None:
    """And whoever asked for the other is told (simulated history 50209)."""
    await watch()
    offer = Offer(Tariff(PRICE), day_cap=1_000)
    both = (intake.open("v", "ast_2", "creator", offer) for _ in range(2))
    states = [summary.state for summary in await asyncio.gather(*both)]
    assert states == [SessionState.CLOSED, SessionState.OPEN]


async def test_a_session_that_its_server_ends_while_another_looks_has_ended(
    watch: Watch, intake: Intake, store: Store, clock: ManualClock
) -> None:
    """Simulated history 400170."""
    viewer = await watch()

    class Slow(Store):
        """Between two looks into it the session ends."""

        async def session(self, session_id: str) -> SavedSession | None:
            saved = await store.session(session_id)
            await intake.close(session_id)
            return saved

    slow = Slow()
    slow.leases, slow.ledger = store.leases, store.ledger
    other = Intake(slow, clock, MeterRules(), server=Server("other"))
    assert (await other.close(viewer.id)).state is SessionState.CLOSED


async def test_two_sessions_share_one_wallet(watch: Watch, intake: Intake) -> None:
    one = await watch(balance=600)
    two = await watch(balance=0)
    await one.play(0)
    await two.play(0, 1)
    with pytest.raises(InsufficientFunds):
        await one.ask(1)
    assert await intake.balance("v") == Balance(Stroops(0), Stroops(200))


async def test_funding_with_the_same_cause_happens_once(intake: Intake) -> None:
    assert await intake.balance("v") == (0, 0)
    for _ in range(2):
        assert await intake.fund("v", Stroops(70), "gift:1") == Balance(Stroops(70), Stroops(0))


async def test_the_treasury_does_not_give_what_it_has_not(intake: Intake) -> None:
    with pytest.raises(WouldOverdraw):
        await intake.fund("v", Stroops(10**9 + 1), "too much")


async def test_credits_are_posted_as_they_are(watch: Watch, intake: Intake) -> None:
    await watch(balance=100)
    await intake.credit([Transfer("d", HOT.id, "viewer:v:XLM", Stroops(5), "XLM", "deposit")])
    assert (await intake.balance("v")).available == 105
    with pytest.raises(WouldOverdraw):
        await intake.credit(
            [Transfer("w", "viewer:v:XLM", HOT.id, Stroops(500), "XLM", "withdraw")]
        )


# --- sessions ------------------------------------------------------------------------------------


async def test_closing_is_idempotent_and_final(watch: Watch, intake: Intake) -> None:
    viewer = await watch()
    await viewer.play(0)
    first, second = await asyncio.gather(intake.close(viewer.id), intake.close(viewer.id))
    assert first == second == await intake.close(viewer.id) == await intake.summary(viewer.id)
    with pytest.raises(SessionClosed):
        await viewer.ask(1)
    with pytest.raises(SessionClosed):
        intake.require_open(viewer.id)


async def test_nobody_opened_this_session(intake: Intake) -> None:
    for ask in (intake.close, intake.summary):
        with pytest.raises(UnknownSession):
            await ask("ses_0")
    with pytest.raises(UnknownSession):
        await intake.request("ses_0", 0, 0, 1)


async def test_a_paced_request_ends_with_its_session(
    watch: Watch, intake: Intake, clock: ManualClock
) -> None:
    viewer = await watch()
    for i in range(3):
        await viewer.ask(i)
    early = asyncio.ensure_future(viewer.ask(3))
    await turns()
    await intake.close(viewer.id)
    clock.advance(INTAKE_PACE_MS_MAX)
    await intake.sweep()
    with pytest.raises(SessionClosed):
        await early


async def test_a_session_left_alone_ends(watch: Watch, intake: Intake, clock: ManualClock) -> None:
    viewer = await watch()
    await viewer.play(0, 1)
    clock.advance(SESSION_IDLE_MS_MAX)
    await intake.sweep()
    summary = await intake.summary(viewer.id)
    assert (summary.state, summary.ticks) == (SessionState.CLOSED, 4)


async def test_a_session_in_too_many_places_ends(watch: Watch, intake: Intake) -> None:
    viewer = await watch(balance=10**8)

    async def jump() -> None:
        for i in range(METER_INTERVALS_MAX + 200):
            await viewer.play(40 * i)

    with pytest.raises(SessionClosed):
        await jump()
    await intake.sweep()
    assert (await intake.summary(viewer.id)).state is SessionState.CLOSED


async def test_viewers_are_those_who_asked_lately(
    watch: Watch, intake: Intake, clock: ManualClock
) -> None:
    one, _ = await watch("one"), await watch("two")
    assert (intake.viewers("ast_1"), intake.viewers("ast_2")) == (2, 0)
    clock.advance(SESSION_WATCHING_MS_MAX + 1)
    await one.play(0)
    assert intake.viewers("ast_1") == 1


async def test_a_viewer_who_goes_while_a_session_opens_leaves_none_behind(
    intake: Intake, store: Store
) -> None:
    opening = asyncio.ensure_future(intake.open("v", "a", "c", Price("XLM", 0, 1)))
    await asyncio.sleep(0)
    opening.cancel()
    with suppress(asyncio.CancelledError):
        await opening
    await intake.sweep()
    assert await store.open_sessions() == []


# --- bounds --------------------------------------------------------------------------------------


async def test_more_waiting_requests_than_fit_are_refused(watch: Watch, store: Store) -> None:
    viewer = await watch(price=Price("XLM", 0, 1))
    store.gate.clear()
    waiting = [asyncio.ensure_future(viewer.ask(0)) for _ in range(INTAKE_WAITING_MAX)]
    await turns(2)
    with pytest.raises(Overloaded):
        await viewer.ask(0)
    for each in waiting:
        each.cancel()
    await asyncio.wait(waiting)
    store.gate.set()
    await viewer.play(0)


# --- a store that does not answer ----------------------------------------------------------------


@pytest.mark.parametrize("happened", [False, True])
async def test_without_the_store_nothing_is_served_and_nothing_is_charged(
    watch: Watch, intake: Intake, store: Store, clock: ManualClock, happened: bool
) -> None:
    """The commit that got no answer may have happened or not: both end the same."""
    viewer = await watch()
    await viewer.play(0)
    store.lost = happened
    with pytest.raises(MeterUnavailable):
        await viewer.ask(1)
    with pytest.raises(MeterUnavailable):
        await viewer.ask(2)
    with pytest.raises(MeterUnavailable):
        await intake.fund("v", Stroops(1), "late")
    store.lost = None
    clock.advance(1_000)
    await intake.sweep()
    await intake.sweep()
    assert await intake.balance("v") == Balance(Stroops(9_800), Stroops(0))
    await viewer.play(1)
    summary = await intake.close(viewer.id)
    assert (summary.amount, summary.balance) == (300, 9_700)


async def test_a_stop_that_could_not_be_saved_can_be_repeated(
    watch: Watch, intake: Intake, store: Store, clock: ManualClock
) -> None:
    viewer = await watch()
    await viewer.play(0)
    store.lost = False
    with pytest.raises(MeterUnavailable):
        await intake.close(viewer.id)
    with pytest.raises(SessionClosed):
        await viewer.ask(1)
    store.lost = None
    summary = await intake.close(viewer.id)
    assert (summary.state, summary.amount) == (SessionState.CLOSED, 200)


async def test_a_session_that_another_process_took_over_is_let_go(
    watch: Watch, intake: Intake, store: Store, clock: ManualClock
) -> None:
    viewer = await watch()
    other = Intake(store, clock, MeterRules())
    await other.start()
    await Viewer(other, viewer.id).play(5)
    with pytest.raises(MeteredElsewhere):
        await viewer.ask(0)
    assert (await intake.summary(viewer.id)).state is SessionState.OPEN
    await Viewer(other, viewer.id).play(6)
    await other.stop()


# --- stop and start ------------------------------------------------------------------------------


async def test_a_restart_goes_on_and_charges_nothing_twice(
    watch: Watch, intake: Intake, store: Store, clock: ManualClock
) -> None:
    viewer = await watch()
    await viewer.play(0, 1, 2)
    unfinished = await viewer.ask(3)
    clock.advance(1_000)
    await intake.stop()
    saved = await store.session(viewer.id)
    assert saved is not None
    assert (saved.totals.ticks, saved.totals.drawn) == (3, 800)

    later = Intake(store, clock, MeterRules())
    await later.start()
    again = Viewer(later, viewer.id)
    later.finish(unfinished, complete=True)
    await later.sweep()
    # What was in flight is void; what was delivered and had no time to play still is held.
    assert await later.balance("v") == Balance(Stroops(9_400), Stroops(300))
    clock.advance(SESSION_IDLE_MS_MAX - 1)
    await again.play(0, 1, 2)
    clock.advance(60_000)
    await again.play(3)
    assert (await later.close(viewer.id)).amount == 800
    await later.stop()
    runs = store.tick_runs[viewer.id]
    assert [run.first_tick for run in runs[1:]] == [run.last_tick for run in runs[:-1]]


@pytest.mark.parametrize("wrong_ms", [-3_600_000, 3_600_000])
async def test_a_wall_clock_that_jumps_charges_nothing_and_ends_nothing(
    watch: Watch, intake: Intake, clock: ManualClock, wrong_ms: int
) -> None:
    viewer = await watch()
    await viewer.play(0, 1)
    for i in range(2, 6):
        clock.set_wrong(wrong_ms if i % 2 else -wrong_ms)
        await intake.sweep()
        clock.advance(2_000)
        await viewer.play(i)
    clock.set_wrong(wrong_ms)
    clock.advance(4_000)
    await intake.sweep()
    summary = await intake.summary(viewer.id)
    assert (summary.state, summary.seconds_billed) == (SessionState.OPEN, 12)
    assert await intake.balance("v") == Balance(Stroops(8_800), Stroops(0))


async def test_a_stopped_intake_refuses(watch: Watch, intake: Intake) -> None:
    viewer = await watch()
    await intake.stop()
    await intake.stop()
    with pytest.raises(MeterUnavailable):
        await viewer.ask(0)
    with pytest.raises(MeterUnavailable):
        await intake.open("v", "a", "c", PRICE)


async def test_a_request_that_waits_when_the_intake_stops_is_refused(
    watch: Watch, intake: Intake
) -> None:
    viewer = await watch()
    for i in range(3):
        await viewer.ask(i)
    early = asyncio.ensure_future(viewer.ask(3))
    await turns()
    await intake.stop()
    with pytest.raises(MeterUnavailable):
        await early


async def test_accounts_of_other_assets_are_kept_apart(intake: Intake, store: Store) -> None:
    dollars = viewer_account("v", "USDC")
    mint = Transfer("m", hot_account("USDC").id, dollars.id, Stroops(9), "USDC", "deposit")
    await store.post([hot_account("USDC"), dollars], [mint])
    assert (await intake.balance("v")).available == 0
    assert (await intake.balance("v", "USDC")).available == 9


async def test_a_session_whose_opening_was_not_heard_of_is_found_and_can_be_watched(
    intake: Intake, store: Store
) -> None:
    await intake.fund("v", Stroops(1_000), "fund:v")
    assert await intake.begun("ses_1") is None
    open_, store.open = store.open, store.open_unheard  # type: ignore[method-assign]
    with pytest.raises(MeterUnavailable):
        await intake.open("v", "ast_1", "creator", PRICE, "ses_1")
    store.open = open_  # type: ignore[method-assign]
    begun = await intake.begun("ses_1")
    assert begun is not None
    assert (begun.session_id, begun.viewer, begun.amount) == ("ses_1", "v", 0)
    viewer = Viewer(intake, "ses_1")
    await viewer.play(0)
    assert await intake.begun("ses_1") == await intake.summary("ses_1")
    closed = await intake.close("ses_1")
    assert await intake.begun("ses_1") == closed
