"""How many wrong keys each address has tried lately."""

from collections import deque

from config.limits import RTMP_WRONG_KEY_ADDRESSES_MAX, RTMP_WRONG_KEYS_MAX, RTMP_WRONG_KEYS_MS


class Mistakes:
    """A bounded memory of refused publishers, in which the latest address is the last."""

    def __init__(self) -> None:
        self._times: dict[str, deque[int]] = {}

    def record(self, address: str, now_ms: int) -> None:
        """Remember one refusal."""
        times = self._times.pop(address, None) or deque(maxlen=RTMP_WRONG_KEYS_MAX)
        times.append(now_ms)
        self._times[address] = times
        if len(self._times) > RTMP_WRONG_KEY_ADDRESSES_MAX:
            del self._times[next(iter(self._times))]

    def are_too_many(self, address: str, now_ms: int) -> bool:
        """Whether this address has to wait before its next key is looked at."""
        times = self._times.get(address)
        if times is None:
            return False
        return len(times) == RTMP_WRONG_KEYS_MAX and now_ms - times[0] < RTMP_WRONG_KEYS_MS
