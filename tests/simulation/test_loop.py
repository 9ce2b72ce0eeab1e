"""Time on the virtual loop, and the order of what happens at the same time."""

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from random import Random
from typing import Any

import pytest

from tests.simulation.loop import ACTOR, Stuck, VirtualLoop


def run(seed: int, main: Coroutine[Any, Any, None]) -> VirtualLoop:
    loop = VirtualLoop(Random(seed))
    try:
        loop.run_until_complete(main)
    finally:
        loop.close()
    return loop


async def told(seed: int, told: list[str]) -> None:
    """Two actors that each say two things at the same times."""

    async def say(name: str) -> None:
        for number in range(2):
            told.append(f"{name}{number}")
            await asyncio.sleep(0)

    tasks = []
    for name in ("a", "b"):
        context = copy_context()
        context.run(ACTOR.set, name)
        tasks.append(asyncio.get_running_loop().create_task(say(name), context=context))
    await asyncio.gather(*tasks)


def test_time_jumps_to_the_next_timer_and_stands_still_in_between() -> None:
    times: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for seconds in (3_600, 0.001):
            await asyncio.sleep(seconds)
            times.append(round(loop.time(), 6))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await loop.create_future()

    assert run(0, main()).now_ms == 3_605_001
    assert times == [3_600, 3_600.001]


def test_chance_decides_between_actors_and_never_within_one() -> None:
    orders = set()
    for seed in range(50):
        order: list[str] = []
        run(seed, told(seed, order))
        again: list[str] = []
        run(seed, told(seed, again))
        assert order == again
        assert order.index("a0") < order.index("a1")
        assert order.index("b0") < order.index("b1")
        orders.add(tuple(order))
    assert len(orders) == 4


def test_a_wait_that_nobody_ends_and_one_that_never_ends_are_found() -> None:
    async def for_ever() -> None:
        await asyncio.get_running_loop().create_future()

    async def in_circles() -> None:
        while True:  # noqa: ASYNC110  # that is the point
            await asyncio.sleep(0)

    with pytest.raises(Stuck, match="everybody waits"):
        run(0, for_ever())
    with pytest.raises(Stuck, match="no end"):
        run(0, in_circles())
