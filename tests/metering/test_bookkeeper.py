"""Commits are made as often as one viewer needs them, and no oftener when many share them."""

import asyncio
from itertools import pairwise
from random import Random

import pytest

from config.clock import ManualClock
from config.limits import INTAKE_BATCH_SESSIONS_MAX, INTAKE_GATHER_MS
from metering.intake import Intake
from metering.ledger.ledger import Transfer
from metering.money import Stroops
from metering.rules import MeterRules
from metering.session import Batch
from tests.metering.watching import HOT, PRICE, TREASURY, Store, Viewer, Watch
from tests.simulation.loop import VirtualLoop

_SEGMENTS = 12
_GAP_S = INTAKE_GATHER_MS / 1000


class TimedStore(Store):
    """Notes when commits come, by the loop's clock, and of how many sessions."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[tuple[float, int]] = []

    async def commit(self, batch: Batch) -> None:
        self.times.append((asyncio.get_running_loop().time(), len(batch.changes)))
        await super().commit(batch)


@pytest.fixture
async def store() -> TimedStore:
    store = TimedStore()
    fill = Transfer("fill", HOT.id, TREASURY.id, Stroops(10**9), "XLM", "fill")
    await store.post([HOT, TREASURY], [fill])
    return store


async def test_viewers_who_ask_together_share_commits_that_are_some_time_apart(
    watch: Watch, store: TimedStore, clock: ManualClock
) -> None:
    viewers = [await watch(name) for name in "abc"]
    store.times.clear()
    for i in range(_SEGMENTS):
        await asyncio.gather(*(viewer.play(i) for viewer in viewers))
        clock.advance(2_000)
    shared = [at for at, sessions in store.times if sessions > 1]
    assert len(shared) >= _SEGMENTS
    assert shared[-1] - shared[0] > 0.9 * (_SEGMENTS - 1) * _GAP_S


async def test_who_is_alone_waits_for_nobody(
    watch: Watch, store: TimedStore, clock: ManualClock
) -> None:
    viewer = await watch()
    store.times.clear()
    for i in range(_SEGMENTS):
        await viewer.play(i)
        clock.advance(2_000)
    assert min(b[0] - a[0] for a, b in pairwise(store.times)) < 0.5 * _GAP_S


@pytest.mark.parametrize(("viewers", "waits"), [(2, True), (INTAKE_BATCH_SESSIONS_MAX, False)])
def test_a_batch_that_is_full_waits_for_nobody_either(viewers: int, waits: bool) -> None:
    """In virtual time, so that what a thousand viewers cost is not taken for waiting."""
    loop = VirtualLoop(Random(1))
    try:
        assert loop.run_until_complete(_gap_before(viewers)) == (
            pytest.approx(_GAP_S) if waits else 0
        )
    finally:
        loop.close()


async def _gap_before(count: int) -> float:
    """Seconds from the commit of one viewer's segment to that of so many others who ask then."""
    store = TimedStore()
    fill = Transfer("fill", HOT.id, TREASURY.id, Stroops(10**9), "XLM", "fill")
    await store.post([HOT, TREASURY], [fill])
    intake = Intake(store, ManualClock(), MeterRules())
    await intake.start()
    await intake.fund("v", Stroops(10**8), "fund:v")
    first, *others = [
        Viewer(intake, (await intake.open("v", f"ast_{number}", "creator", PRICE)).session_id)
        for number in range(count + 1)
    ]
    await asyncio.sleep(_GAP_S)
    store.times.clear()
    await first.play(0)
    await asyncio.gather(*(viewer.play(0) for viewer in others))
    await intake.stop()
    (alone, _), (together, sessions), *_ = store.times
    assert sessions == count
    return together - alone
