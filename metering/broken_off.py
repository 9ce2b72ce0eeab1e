"""Media that was left on the way: enough of it had been taken to be watched."""

from metering.intervals import Intervals
from metering.void_budget import VoidBudget


class BrokenOff:
    """What a session took from its viewer's void budget for such media, until it arrives whole.

    A player that changes quality in the middle of a segment fetches the same media again. Then it
    has it once, and the budget gets back what was taken; and it is taken only once, however often
    bodies of that media break off. All that is forgotten with the budget's hour, and when the
    process ends: then the budget stays as it is.
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

    def covers(self, lo: int, hi: int, now: int) -> bool:
        """Whether all of [lo, hi) was taken from the budget already."""
        return self._counts(now) and not self._media.gaps(lo, hi)

    def arrived(self, lo: int, hi: int, now: int) -> int:
        """The media [lo, hi) was delivered whole; how much of it the budget got back."""
        if not self._counts(now):
            return 0
        units = hi - lo - sum([end - start for start, end in self._media.gaps(lo, hi)])
        self._budget.give_back(units)
        self._media.remove(lo, hi)
        return units

    def _counts(self, now: int) -> bool:
        budget = self._budget
        same = self._window_start_ms == budget.window_start_ms
        return same and not budget.spent_window(now)
