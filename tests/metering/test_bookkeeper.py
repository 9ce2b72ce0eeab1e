"""Commits are made as often as one viewer needs them, and no oftener when many share them."""

import asyncio
from itertools import pairwise

import pytest

from config.clock import ManualClock
from config.limits import INTAKE_GATHER_MS
from metering.ledger.ledger import Transfer
from metering.money import Stroops
from metering.session import Batch
from tests.metering.watching import HOT, TREASURY, Store, Watch

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
