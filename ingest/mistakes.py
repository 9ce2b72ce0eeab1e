"""How many wrong keys have been tried lately: from each network, and by all together."""

from collections import deque

from config.limits import (
    RTMP_WRONG_KEY_ADDRESSES_MAX,
    RTMP_WRONG_KEYS_IN_ALL_MAX,
    RTMP_WRONG_KEYS_MAX,
    RTMP_WRONG_KEYS_MS,
)

_FULL = RTMP_WRONG_KEYS_IN_ALL_MAX * RTMP_WRONG_KEYS_MS


class Mistakes:
    """A bounded memory of refused publishers, in which the latest network is the last."""

    def __init__(self) -> None:
        self._times: dict[str, deque[int]] = {}
        # A bucket into which each mistake pours so many units, and which leaks all the time.
        self._level = 0
        self._leaked_ms = 0

    def record(self, network: str, now_ms: int) -> None:
        """Remember one refusal."""
        times = self._times.pop(network, None) or deque(maxlen=RTMP_WRONG_KEYS_MAX)
        times.append(now_ms)
        self._times[network] = times
        if len(self._times) > RTMP_WRONG_KEY_ADDRESSES_MAX:
            del self._times[next(iter(self._times))]
        self._leak(now_ms)
        self._level = min(_FULL, self._level + RTMP_WRONG_KEYS_MS)

    def are_too_many(self, network: str, now_ms: int) -> bool:
        """Whether this network has to wait before its next key is looked at."""
        times = self._times.get(network)
        if times is None:
            return False
        return len(times) == RTMP_WRONG_KEYS_MAX and now_ms - times[0] < RTMP_WRONG_KEYS_MS

    def are_too_many_in_all(self, now_ms: int) -> bool:
        """Whether there is a flood of wrong keys, wherever they come from."""
        self._leak(now_ms)
        return self._level > _FULL - RTMP_WRONG_KEYS_MS

    def _leak(self, now_ms: int) -> None:
        passed_ms, self._leaked_ms = now_ms - self._leaked_ms, now_ms
        self._level = max(0, self._level - passed_ms * RTMP_WRONG_KEYS_IN_ALL_MAX)
