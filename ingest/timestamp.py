"""Times of a publisher that wrap around, as integers that go on."""

from config.limits import RTMP_TIMESTAMP_STEP_MS_MAX

# 32 bits are the specification's, after 49.7 days. Some encoders stop at 31 bits, and some never
# send extended timestamps and so wrap at 24 bits, after 4 hours and 39 minutes.
_MODULI = (1 << 32, 1 << 31, 1 << 24)


class Unwrapper:
    """Undoes the wraps of one connection's timestamps, which audio and video share.

    A step that no wrap explains is passed on: what to do about it is not for the wire to say.
    """

    def __init__(self) -> None:
        self._last: int | None = None
        self._offset = 0

    def unwrap(self, timestamp: int) -> int:
        """The time that `timestamp` stands for; both in milliseconds."""
        time = timestamp + self._offset
        if self._last is not None and abs(time - self._last) > RTMP_TIMESTAMP_STEP_MS_MAX:
            time = self._without_wrap(time, self._last)
            self._offset = time - timestamp
        self._last = time
        return time

    @staticmethod
    def _without_wrap(time: int, last: int) -> int:
        for modulus in _MODULI:
            step = (time - last + modulus // 2) % modulus - modulus // 2
            if abs(step) <= RTMP_TIMESTAMP_STEP_MS_MAX:
                return last + step
        return time
