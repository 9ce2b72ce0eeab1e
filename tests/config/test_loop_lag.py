"""A loop that is late again and again is told from one that took one long step."""

import asyncio
from typing import Any

from config.limits import LOOP_LAG_PROBE_MS, LOOP_LAG_PROBES
from config.loop_lag import LoopLag


class SlowLoop:
    """As much of an event loop as the measure needs; `call` runs what is due, too late."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[tuple[float, Any, tuple[Any, ...]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Any, *args: Any) -> asyncio.TimerHandle:
        self.due.append((when, call, args))
        return asyncio.TimerHandle(when, call, args, asyncio.get_running_loop())

    def call(self, late_ms: int) -> None:
        when, call, args = self.due.pop()
        self.now = when + late_ms / 1000
        call(*args)


async def test_only_what_lasts_is_lag() -> None:
    loop = SlowLoop()
    lag = LoopLag(loop)  # type: ignore[arg-type]
    lag.start()
    assert lag.ms == 0
    loop.call(5_000)
    assert lag.ms == 0
    for late in range(700, 700 + LOOP_LAG_PROBES):
        loop.call(late)
    assert 698 <= lag.ms <= 700
    loop.call(3)
    assert lag.ms <= 3
    lag.stop()
    lag.stop()


async def test_an_idle_loop_is_not_late() -> None:
    lag, called = LoopLag(), asyncio.Event()
    lag.start()
    asyncio.get_running_loop().call_later(2 * LOOP_LAG_PROBE_MS / 1000, called.set)
    async with asyncio.timeout(30):
        await called.wait()
    lag.stop()
    assert lag.ms == 0
