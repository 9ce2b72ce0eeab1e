"""An event loop that never waits: its clock jumps to whatever is due next."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


class _Jumping(selectors.DefaultSelector):
    """Adds what it should have waited to the time."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout:
            self.seconds += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.seconds


class VirtualClock:
    """Such a loop's time, in whole milliseconds."""

    def wall_ms(self) -> int:
        return 1_790_000_000_000 + self.monotonic_ms()

    def monotonic_ms(self) -> int:
        return round(asyncio.get_running_loop().time() * 1000)


def run_at_once[T](work: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
    """Run what waits for nothing but time, without waiting."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(work(VirtualClock()))
