"""Runs one history from its seed, on a loop of its own."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from random import Random
from typing import Any

from tests.simulation.course import Course
from tests.simulation.history import History
from tests.simulation.loop import ACTOR, VirtualLoop
from tests.simulation.process import Process
from tests.simulation.world import World


def simulate(seed: int, listen: Callable[[History, VirtualLoop], None] | None = None) -> History:
    """Run the history of a seed; its `violation` tells whether an invariant was broken."""
    chance = Random(seed)
    loop = VirtualLoop(chance)
    course = Course(World(seed, loop, chance))
    history = course.history
    history.ended = loop.stop
    loop.set_exception_handler(lambda _, context: _unhandled(history, context))
    loop.set_task_factory(_remembered)
    if listen is not None:
        listen(history, loop)
    main = loop.create_task(course.run())
    main.add_done_callback(lambda _: loop.stop())
    asyncio.set_event_loop(None)
    try:
        loop.run_forever()
        _judge(history, main)
    finally:
        _clear(loop)
    history.seconds = loop.now_ms // 1000
    return history


def _judge(history: History, main: asyncio.Task[None]) -> None:
    if not main.done():
        assert history.violation is not None, "the loop only stops for a reason"
    elif not main.cancelled() and (error := main.exception()) is not None:
        history.fail(f"{type(error).__name__}: {error}")


def _unhandled(history: History, context: dict[str, Any]) -> None:
    error = context.get("exception")
    history.fail(f"{context['message']}: {error!r}")


def _remembered(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    """A process has to know its tasks, which end with it."""
    task = asyncio.Task(work, loop=loop, **options)
    actor = ACTOR.get()
    if isinstance(actor, Process):
        actor.tasks[task] = None
        task.add_done_callback(actor.tasks.pop)
    return task


def _clear(loop: VirtualLoop) -> None:
    """End what still waits, in silence."""
    loop.set_exception_handler(lambda *_: None)
    for task in asyncio.all_tasks(loop):
        task.cancel()
    with suppress(AssertionError):
        for _ in range(10):
            loop.call_soon(loop.stop)
            loop.run_forever()
    loop.close()
