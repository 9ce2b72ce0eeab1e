"""Time as a constructor argument: the system's clock, or one that a test moves by hand."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where a rim reads the time; cores below it get times as arguments."""

    def wall_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z. May jump."""

    def monotonic_ms(self) -> int:
        """Milliseconds from an arbitrary start. Never goes back."""


class SystemClock:
    """The machine's own clocks."""

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000


class ManualClock:
    """A clock for tests that stands still until it is told to move."""

    def __init__(self, wall_ms: int = 1_700_000_000_000) -> None:
        self._wall_ms = wall_ms
        self._monotonic_ms = 0

    def wall_ms(self) -> int:
        return self._wall_ms

    def monotonic_ms(self) -> int:
        return self._monotonic_ms

    def advance(self, milliseconds: int) -> None:
        """Move both clocks forward."""
        if milliseconds < 0:
            raise ValueError("a clock cannot be moved back")
        self._wall_ms += milliseconds
        self._monotonic_ms += milliseconds

    def set_wrong(self, milliseconds: int) -> None:
        """Move the wall clock alone, by hand or by a time server, forward or back."""
        self._wall_ms += milliseconds
