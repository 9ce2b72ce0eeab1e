"""Background tasks that are kept, named and never fail in silence."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)

_running: set[asyncio.Task[Any]] = set()


def spawn[T](work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
    """Start `work` as a task that is referenced until it ends and logged if it fails.

    This is one of the two places that see every exception (the other is the HTTP error middleware).
    """
    task = asyncio.get_running_loop().create_task(work, name=name)
    _running.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if task.cancelled():
        return
    error = task.exception()
    if error is not None:
        log.error("task failed", task=task.get_name(), exc_info=error)


async def cancel(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and return when each has ended; their own errors were logged when they ended."""
    alive = [task for task in tasks if task is not None and not task.done()]
    for task in alive:
        task.cancel()
    if alive:
        await asyncio.wait(alive)


async def to_the_end[T](work: Coroutine[Any, Any, T], name: str) -> T:
    """Await `work`, which is done to its end also when the caller is cancelled meanwhile."""
    task = spawn(work, name)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, but not longer; tell whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return event.is_set()
    return True
