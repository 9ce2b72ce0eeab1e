"""Other prices while people watch, fees, free seconds and caps: what viewers of an intake pay."""

from dataclasses import replace

import pytest

from config.clock import ManualClock
from config.limits import PRICE_NOTICE_MS
from metering.intake import InsufficientFunds, Intake, NoSuchChange, SessionClosed
from metering.ledger.ledger import hot_account, viewer_account
from metering.money import Stroops
from metering.offer import Offer
from metering.rules import MeterRules
from metering.session import SessionSummary
from metering.tariff import Price, RungPrice, Tariff
from tests.metering.watching import SEGMENT, Store, Viewer, Watch

TEN = Tariff(Price("XLM", 10, 1))
FOUR = Tariff(Price("XLM", 4, 1))
THIRTY = Tariff(Price("XLM", 30, 1))


async def watched(viewer: Viewer, clock: ManualClock, first: int, last: int) -> SessionSummary:
    """Watch the segments [first, last) at the pace at which they play."""
    for i in range(first, last):
        await viewer.play(i)
        clock.advance(2_000)
        await viewer.intake.sweep()
    return await viewer.intake.summary(viewer.id)


def charged(store: Store, session_id: str) -> list[int]:
    return [run.amount for run in store.tick_runs[session_id] if run.amount]


async def test_a_lower_price_holds_from_the_next_second_on(
    intake: Intake, store: Store, clock: ManualClock, watch: Watch
) -> None:
    viewer = await watch(price=TEN)
    before = await watched(viewer, clock, 0, 5)
    assert (before.seconds_billed, before.amount) == (10, 100)
    await intake.change_price("ast_1", FOUR)
    after = await watched(viewer, clock, 5, 10)
    assert after.tariff == FOUR
    assert (after.seconds_billed, after.amount) == (20, 100 + 10 * 4)
    assert sum(charged(store, viewer.id)) == after.amount
    closed = await intake.close(viewer.id)
    assert (closed.amount, closed.held) == (140, 0)


async def test_who_does_not_agree_to_a_higher_price_is_sent_away_when_the_old_one_ends(
    intake: Intake, clock: ManualClock, watch: Watch
) -> None:
    viewer, owner = await watch(price=TEN), await watch("creator", price=TEN)
    await watched(viewer, clock, 0, 2)
    await intake.change_price("ast_1", THIRTY)
    notice = await intake.notice(viewer.id)
    assert notice is not None
    assert (notice.change.tariff, notice.agreed) == (THIRTY, False)
    assert await intake.notice(owner.id) is None
    summary = await watched(viewer, clock, 2, 4)
    assert (summary.tariff, summary.amount) == (TEN, 80)
    clock.advance(PRICE_NOTICE_MS)
    await intake.sweep()
    with pytest.raises(SessionClosed):
        await viewer.play(4)
    assert (await intake.summary(viewer.id)).amount == 80
    await owner.play(0)


async def test_nobody_is_taken_over_into_another_currency_be_it_cheaper(
    intake: Intake, clock: ManualClock, watch: Watch
) -> None:
    viewer = await watch(price=TEN)
    await watched(viewer, clock, 0, 2)
    dollars = Tariff(Price("USDC", 1, 1))
    await intake.change_price("ast_1", dollars)
    assert await intake.notice(viewer.id) is not None
    with pytest.raises(NoSuchChange):
        await intake.agree(viewer.id, dollars.id)
    assert (await watched(viewer, clock, 2, 4)).amount == 80
    clock.advance(PRICE_NOTICE_MS)
    await intake.sweep()
    with pytest.raises(SessionClosed):
        await viewer.play(4)
    assert (await intake.summary(viewer.id)).tariff == TEN


async def test_what_a_session_may_watch_for_nothing_stays_free_at_any_price(
    intake: Intake, clock: ManualClock, watch: Watch
) -> None:
    """By a pass or a subscription, of which a price for others says nothing."""
    viewer = await watch(price=replace(TEN, free_seconds=12))
    await watched(viewer, clock, 0, 2)
    await intake.change_price("ast_1", TEN)
    assert await intake.notice(viewer.id) is None, "for this session nothing has changed"
    await intake.change_price("ast_1", FOUR)
    assert await intake.notice(viewer.id) is None
    after = await watched(viewer, clock, 2, 10)
    assert (after.tariff, after.amount) == (replace(FOUR, free_seconds=12), 8 * 4)
    await intake.change_price("ast_1", THIRTY)
    assert await intake.notice(viewer.id) is not None


async def test_who_agrees_goes_on_at_the_higher_price_when_it_holds_also_after_a_restart(
    intake: Intake, store: Store, clock: ManualClock, watch: Watch
) -> None:
    viewer = await watch(price=replace(TEN, session_cap=200))
    await watched(viewer, clock, 0, 2)
    await intake.change_price("ast_1", THIRTY)
    for wrong in (TEN.id, "epc_"):
        with pytest.raises(NoSuchChange):
            await intake.agree(viewer.id, wrong)
    await intake.agree(viewer.id, THIRTY.id)
    assert (await watched(viewer, clock, 2, 4)).amount == 80
    await intake.stop()
    again = Intake(store, clock, MeterRules())
    await again.start()
    viewer = Viewer(again, viewer.id)
    notice = await again.notice(viewer.id)
    assert notice is not None
    assert notice.agreed
    clock.advance(PRICE_NOTICE_MS)
    await again.sweep()
    after = await watched(viewer, clock, 4, 6)
    assert after.tariff == replace(THIRTY, session_cap=200)  # a cap never rises
    assert after.amount == 80 + 4 * 30
    assert (await watched(viewer, clock, 6, 8)).amount == 200
    await again.stop()


async def test_who_cannot_hold_what_he_agreed_to_is_sent_away(
    intake: Intake, clock: ManualClock, watch: Watch
) -> None:
    viewer = await watch(price=TEN, balance=660)
    await intake.change_price("ast_1", THIRTY)
    await intake.agree(viewer.id, THIRTY.id)
    await watched(viewer, clock, 0, 29)
    await viewer.play(29, 30, 31, 32)
    clock.advance(2_000)
    await intake.sweep()
    await intake.sweep()
    with pytest.raises(SessionClosed):
        await viewer.play(33)
    assert await intake.balance("v") == (660 - 620, 0)


async def test_free_seconds_a_fee_and_a_cap_are_what_the_tariff_says(
    intake: Intake, store: Store, clock: ManualClock, watch: Watch
) -> None:
    tariff = replace(TEN, view_stroops=50, free_seconds=4, session_cap=120)
    viewer = await watch(price=tariff, balance=200)
    amounts = [(await watched(viewer, clock, i, i + 1)).amount for i in range(6)]
    assert amounts == [0, 0, 70, 90, 110, 120]
    assert sum(charged(store, viewer.id)) == 120
    # An empty wallet is enough for what is free, and for nothing more.
    poor = await watch("poor", balance=0, price=tariff)
    await poor.play(0, 1)
    with pytest.raises(InsufficientFunds, match="XLM is needed"):
        await poor.play(2)


async def test_all_sessions_of_a_day_together_cost_no_more_than_its_cap(
    intake: Intake, clock: ManualClock, watch: Watch
) -> None:
    offer = Offer(TEN, day_cap=100)
    first, other = await watch(price=offer), await watch("w", price=offer)
    assert (await watched(first, clock, 0, 3)).amount == 60
    await first.play(3)
    await first.play(4)  # there is no time to watch it, and what it would cost comes back
    # Beside the first one: that ends, or both could spend what is left.
    second = await watch(price=offer, balance=0)
    ended = await intake.summary(first.id)
    assert (ended.amount, ended.held) == (80, 0)
    assert ended.closed_at is not None
    assert (await intake.summary(other.id)).closed_at is None, "others have a day of their own"
    assert (await watched(second, clock, 0, 4)).amount == 20
    third = await watch(price=offer, balance=0)
    assert (await watched(third, clock, 0, 4)).amount == 0
    assert (await intake.balance("v")).available == 10_000 - 100
    clock.advance(86_400_000)
    tomorrow = await watch(price=offer, balance=0)
    assert (await watched(tomorrow, clock, 0, 4)).amount == 80


async def test_a_day_that_a_session_goes_on_into_has_its_cap_as_well(
    intake: Intake, clock: ManualClock, watch: Watch
) -> None:
    """What it cost before midnight was another day's; what it costs after that is this one's."""
    day_ms = 86_400_000
    clock.advance(day_ms - clock.wall_ms() % day_ms - 6_000)
    offer = Offer(TEN, day_cap=100)
    late = await watch(price=offer)
    assert (await watched(late, clock, 0, 2)).amount == 40
    clock.advance(10_000)
    assert (await watched(late, clock, 2, 4)).amount == 80
    await late.play(4)
    morning = await watch(price=offer, balance=0)
    before, after = 40, (await intake.summary(late.id)).amount - 40
    assert after > 40, "also what was charged with its end"
    assert (await watched(morning, clock, 0, 6)).amount == 100 - after
    assert (await intake.balance("v")).available == 10_000 - before - 100


async def test_a_wallet_without_the_currency_is_told_which_one_is_needed(
    intake: Intake, store: Store, watch: Watch
) -> None:
    issuer = "GADQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOZPI"
    usdc = f"USDC:{issuer}"
    with pytest.raises(InsufficientFunds, match=rf"0.0000010 {usdc} is needed and 0.0000000 USDC"):
        await watch(price=Tariff(Price(usdc, 10, 1)))
    hot = hot_account(usdc)
    await store.post([hot, viewer_account("v", usdc)], [])
    assert (await intake.balance("v", usdc)).available == 0


async def test_better_pictures_cost_their_surcharge_once(
    intake: Intake, store: Store, clock: ManualClock, watch: Watch
) -> None:
    tariff = replace(TEN, rungs=(RungPrice(720, Price("XLM", 5, 1)),))
    viewer = await watch(price=tariff)

    async def get(i: int, height: int) -> None:
        lo = i * SEGMENT
        delivery = await intake.request(viewer.id, i, lo, lo + SEGMENT, height=height)
        intake.finish(delivery, complete=True)

    await get(0, 360)
    await get(0, 0)  # the sound beside it
    await get(1, 1080)
    clock.advance(4_000)
    await intake.sweep()
    assert (await intake.summary(viewer.id)).amount == 4 * 10 + 2 * 5
    for _ in range(2):
        await get(0, 720)
        await get(1, 720)
    clock.advance(1_000)
    await intake.sweep()
    summary = await intake.summary(viewer.id)
    assert (summary.amount, summary.seconds_billed, summary.rung_seconds) == (60, 4, (4,))
    assert sum(charged(store, viewer.id)) == 60
    assert (await intake.close(viewer.id)).amount == Stroops(60)
