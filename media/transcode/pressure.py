"""Whether a worker keeps up with its source."""


class Pressure:
    """Judges the lag of a worker.

    Being late is no reason to give anything up as long as the worker catches up: after a restart it
    has seconds to replay. It is overloaded when it stayed beyond the limit for a while without
    gaining noticeably.
    """

    def __init__(self, lag_ms_max: int, patience_ms: int) -> None:
        self._lag_ms_max = lag_ms_max
        self._patience_ms = patience_ms
        self._since_ms: int | None = None
        self._lag_ms = 0

    def overloaded(self, now_ms: int, lag_ms: int) -> bool:
        """Take a measurement; true at most once in a stretch of `patience_ms`.

        Catching up means to gain a tenth of the time that passed.
        """
        if lag_ms <= self._lag_ms_max:
            self._since_ms = None
            return False
        if self._since_ms is None:
            self._since_ms, self._lag_ms = now_ms, lag_ms
            return False
        passed_ms = now_ms - self._since_ms
        if passed_ms < self._patience_ms:
            return False
        gained_ms = self._lag_ms - lag_ms
        self._since_ms, self._lag_ms = now_ms, lag_ms
        return 10 * gained_ms < passed_ms

    def relieved(self, lag_ms: int) -> bool:
        """Whether the lag is small enough to take up work again."""
        return 2 * lag_ms <= self._lag_ms_max
