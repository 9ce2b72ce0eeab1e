"""How often somebody may do something in a minute."""

from config.clock import Clock

_WINDOW_MS = 60_000


class MinuteLimit:
    """Counts by key in the running minute; what was counted before is forgotten with it."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._window = 0
        self._counts: dict[str, int] = {}

    def admit(self, key: str) -> bool:
        """Count one more; False when there were enough of this key in this minute."""
        window = self._clock.monotonic_ms() // _WINDOW_MS
        if window != self._window:
            self._window = window
            self._counts.clear()
        count = self._counts.get(key, 0)
        if count >= self._per_minute:
            return False
        self._counts[key] = count + 1
        return True
