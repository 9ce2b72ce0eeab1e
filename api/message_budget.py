"""How many messages somebody may send: a few at once, and then so many a second."""

from dataclasses import dataclass

_MS = 1_000


@dataclass(slots=True)
class MessageBudget:
    """A bucket of `burst` messages that is filled up by `per_second`."""

    burst: int
    per_second: int
    now_ms: int
    _left_ms: int = -1  # messages times milliseconds, so that parts of one are counted

    def __post_init__(self) -> None:
        self._left_ms = self.burst * _MS

    def take(self, now_ms: int) -> bool:
        """Take one; False when there is none left."""
        gained = (now_ms - self.now_ms) * self.per_second
        self._left_ms = min(self.burst * _MS, self._left_ms + gained)
        self.now_ms = now_ms
        if self._left_ms < _MS:
            return False
        self._left_ms -= _MS
        return True
