"""The wall's time of moments that are known by the monotonic clock, and the other way round."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WallTime:
    """As the wall's clock was when this process began: what happens to it later moves nothing."""

    def __init__(self, offset_ms: int) -> None:
        """`offset_ms` is what makes wall time out of monotonic milliseconds."""
        self._offset_ms = offset_ms

    def of(self, now: int) -> datetime:
        """When that is, by the wall."""
        return _EPOCH + timedelta(milliseconds=now + self._offset_ms)

    def monotonic(self, moment: datetime) -> int:
        """Monotonic milliseconds; below zero for what was before they began."""
        return (moment - _EPOCH) // timedelta(milliseconds=1) - self._offset_ms
