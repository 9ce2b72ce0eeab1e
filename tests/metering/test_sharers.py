"""Ten who share one session have what the meter allows for nothing, and no more."""

import random
from dataclasses import dataclass, field

import pytest

from config.clock import ManualClock
from metering.intake import Delivery, Intake
from metering.rules import UNITS_PER_SECOND, MeterRules
from tests.metering.watching import SEGMENT, Store, Viewer, Watch

RULES = MeterRules()
SHARERS, STEP_MS, SECONDS = 10, 500, 240
SEGMENT_S = SEGMENT // UNITS_PER_SECOND
FREE_S = RULES.void_units_max // UNITS_PER_SECOND


@dataclass
class Sharer:
    """One who plays from a place of their own, and takes bodies in one way."""

    place: int
    how: str
    got: list[int] = field(default_factory=list)

    def take(self, intake: Intake, delivery: Delivery) -> None:
        intake.finish(delivery, self.how == "whole", 0 if self.how == "whole" else 999)
        self.got.append(self.place)
        self.place += 1


async def shared(viewer: Viewer, clock: ManualClock, sharers: list[Sharer], seed: int) -> None:
    """All ask for what comes next as often as they may, in another order each time."""
    rng = random.Random(seed)
    for _ in range(SECONDS * 1000 // STEP_MS):
        rng.shuffle(sharers)
        for each in sharers:
            lo = each.place * SEGMENT
            promise = viewer.intake.request_soon(viewer.id, each.place, lo, lo + SEGMENT)
            if promise is not None:
                await promise
                each.take(viewer.intake, promise.delivery)
        clock.advance(STEP_MS)


@pytest.mark.parametrize("how", ["whole", "left"])
@pytest.mark.parametrize("apart", [0, 3, 100], ids=["together", "near", "far"])
async def test_ten_sharers_of_a_session_have_the_budget_of_one_for_nothing(
    watch: Watch, clock: ManualClock, store: Store, apart: int, how: str
) -> None:
    """Each second that one of them has is charged, but for the void budget, or is a repetition of
    one that was; of those the session has no more than a player needs.
    """
    viewer = await watch("v", balance=10**6)
    sharers = [Sharer(1 + apart * number, how) for number in range(SHARERS)]
    await shared(viewer, clock, sharers, seed=apart)
    summary = await viewer.intake.close(viewer.id)
    got = [place for each in sharers for place in each.got]
    distinct_s, all_s = len(set(got)) * SEGMENT_S, len(got) * SEGMENT_S
    # Not a second more for each of them: what the budget does not have for all of them is charged.
    assert 0 < distinct_s - FREE_S <= summary.seconds_billed <= distinct_s
    again_s = RULES.repeat_units_max // UNITS_PER_SECOND + RULES.repeat_speed * SECONDS
    assert all_s <= summary.seconds_billed + FREE_S + again_s
    used = [each.used for each in (await store.allowances(["v"])).values()]
    assert max(used, default=0) <= RULES.void_units_max
