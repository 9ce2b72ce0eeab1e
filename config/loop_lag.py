"""How late this process does what is due: what an overloaded event loop shows first."""

import asyncio
from collections import deque

from config.limits import LOOP_LAG_PROBE_MS, LOOP_LAG_PROBES


class LoopLag:
    """Asks to be called so often, and looks when it is."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop
        self._late: deque[int] = deque([0] * LOOP_LAG_PROBES, maxlen=LOOP_LAG_PROBES)
        self._timer: asyncio.TimerHandle | None = None

    @property
    def ms(self) -> int:
        """By how many milliseconds at least each of the last few calls was late: what one long step
        did is over when it shows.
        """
        return min(self._late)

    def start(self) -> None:
        """Measure the loop that runs now, unless another one was given."""
        self._loop = self._loop or asyncio.get_running_loop()
        self._ask(self._loop)

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ask(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + LOOP_LAG_PROBE_MS / 1000
        self._timer = loop.call_at(due, self._called, loop, due)

    def _called(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._late.append(int((loop.time() - due) * 1000))
        self._ask(loop)
