"""How much fetched media a viewer may leave unwatched, unbilled, in an hour."""


class VoidBudget:
    """Two minutes an hour, for all sessions of a viewer together.

    Seeking must be free, or nobody seeks. Without a limit it also is a way to watch for nothing:
    fetch ahead, jump away, watch what was fetched. The budget is the viewer's and not a session's,
    so that leaving and coming back does not renew it. The hour begins with the first use.
    """

    __slots__ = ("_units_max", "_window_ms", "used", "window_start_ms")

    def __init__(
        self, units_max: int, window_ms: int, used: int = 0, window_start_ms: int = 0
    ) -> None:
        self._units_max = units_max
        self._window_ms = window_ms
        self.used = used
        self.window_start_ms = window_start_ms

    def take(self, units: int, now: int) -> int:
        """Take up to `units` at monotonic time `now`; returns how many were granted."""
        if not units:
            return 0
        if self.spent_window(now):
            self.used = 0
            self.window_start_ms = now
        granted = min(units, self._units_max - self.used)
        self.used += granted
        return granted

    def give_back(self, units: int) -> None:
        """Undo some of what was taken in this hour."""
        assert units <= self.used, "more is given back than was taken"
        self.used -= units

    def spent_window(self, now: int) -> bool:
        """Whether nothing of what was used counts any more."""
        return self.used == 0 or now - self.window_start_ms >= self._window_ms
