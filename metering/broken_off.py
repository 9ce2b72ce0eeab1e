"""Media that was left on the way: enough of it had been taken to be watched."""

from metering.intervals import Intervals
from metering.void_budget import VoidBudget


class BrokenOff:
    """What a session took from its viewer's void budget for such media, until it arrives whole.

    A player that changes quality in the middle of a segment fetches the same media again: then it
    has it once, and the budget gets back what was taken, once. All that is forgotten with the
    budget's hour, and when the process ends: then the budget stays as it is.
    """

    __slots__ = ("_budget", "_media", "_window_start_ms")

    def __init__(self, budget: VoidBudget) -> None:
        self._budget = budget
        self._media = Intervals()
        self._window_start_ms = budget.window_start_ms

    def add(self, lo: int, hi: int) -> None:
        """The media [lo, hi) was taken from the budget just now."""
        if self._window_start_ms != self._budget.window_start_ms:
            self._window_start_ms = self._budget.window_start_ms
            self._media = Intervals()
        self._media.add(lo, hi)

    def remove(self, lo: int, hi: int, now: int) -> int:
        """The media [lo, hi) arrives; how much of it can be given back."""
        budget = self._budget
        if self._window_start_ms != budget.window_start_ms or budget.spent_window(now):
            return 0
        units = hi - lo - sum([end - start for start, end in self._media.gaps(lo, hi)])
        self._media.remove(lo, hi)
        return units
