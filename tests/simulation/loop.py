"""An event loop on which time is a number: nothing waits, and one seed makes one order of events.

Callbacks of one actor run in the order in which they were scheduled, as asyncio promises. Those of
different actors (a viewer, a process of the server, the database) would run on different machines,
so that any order is possible: chance decides.
"""

import asyncio
import heapq
import itertools
from collections import deque
from contextvars import Context, ContextVar
from random import Random
from typing import Any, NoReturn

# Whose code runs. Tasks inherit it from whoever starts them.
ACTOR: ContextVar[object] = ContextVar("actor", default=None)

# A history takes some ten thousand callbacks; one that takes so many goes round in circles.
CALLBACKS_MAX = 1_000_000

# Times closer to each other than this are the same: sums of milliseconds are not exact.
_SAME = 1e-7


class Stuck(AssertionError):
    """Nothing is ever going to happen, or something happens for ever."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs tasks in virtual time, which begins at 0 and jumps to the next timer."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self._chance = chance
        self._now = 0.0
        self._callbacks = 0
        # In the order of their times, and of two at the same time as they were made.
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._made = itertools.count()
        # Of `BaseEventLoop`.
        self._ready: deque[asyncio.Handle]
        self._stopping: bool

    def time(self) -> float:
        """Seconds since the beginning."""
        return self._now

    @property
    def now_ms(self) -> int:
        """Milliseconds since the beginning."""
        return int(self._now * 1000 + 0.5)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio's, with a heap that compares times and not objects."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._made), timer))
        return timer

    def run_in_executor(self, *args: Any, **kwargs: Any) -> NoReturn:  # type: ignore[override]
        """Refused: threads have an order of their own."""
        raise AssertionError("there are no threads here")

    def _run_once(self) -> None:
        """What `BaseEventLoop` asks of its children: turns, until it is told to stop."""
        ready = self._ready
        while not self._stopping:
            self._collect()
            handles = list(ready)
            ready.clear()
            self._callbacks += len(handles)
            if self._callbacks > CALLBACKS_MAX:
                raise Stuck(f"{CALLBACKS_MAX} callbacks, and no end")
            for handle in handles if len(handles) == 1 else self._in_some_order(handles):
                if not handle._cancelled:
                    handle._run()

    def _collect(self) -> None:
        """Move what is due from the timers; when nothing is ready, to the time of the next one."""
        timers, ready = self._timers, self._ready
        while timers and timers[0][2]._cancelled:
            heapq.heappop(timers)
        if not ready:
            if not timers:
                raise Stuck("everybody waits for somebody")
            self._now = max(self._now, timers[0][0])
        due = self._now + _SAME
        while timers and timers[0][0] <= due:
            ready.append(heapq.heappop(timers)[2])

    def _in_some_order(self, handles: list[asyncio.Handle]) -> list[asyncio.Handle]:
        waiting: dict[object, list[asyncio.Handle]] = {}
        actors = []
        for handle in handles:
            actor = handle._context.get(ACTOR)  # type: ignore[attr-defined]
            actors.append(actor)
            waiting.setdefault(actor, []).append(handle)
        if len(waiting) == 1:
            return handles
        self._chance.shuffle(actors)
        turns = {actor: iter(those) for actor, those in waiting.items()}
        return [next(turns[actor]) for actor in actors]

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are thrown away when their time comes."""

    def _process_events(self, event_list: object) -> None:
        """There are none from outside."""
