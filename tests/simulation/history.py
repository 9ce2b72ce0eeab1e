"""What happened in one simulated history, in order: the same for the same seed."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class Event(NamedTuple):
    """At `ms` after the beginning `actor` did or met something; `money` in stroops if any moved."""

    ms: int
    actor: str
    what: str
    detail: str = ""
    money: int | None = None


class Violation(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True)
class Logged:
    """A log line of the program, which is told but not part of what happened."""

    ms: int
    text: str


class History:
    """Collects events.

    Attributes:
        violation: the first invariant that was broken, in words.
        counts: how often what happened, of faults above all.
        ended: called when there is a violation: what follows would not tell anything.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.events: list[Event] = []
        self.logs: list[tuple[int, Logged]] = []
        self.counts: Counter[str] = Counter()
        self.violation: str | None = None
        self.seconds = 0
        self.ended: Callable[[], None] = lambda: None

    def fail(self, reason: str) -> Violation:
        """Note a violation, of which only the first counts; to be raised."""
        if self.violation is None:
            self.violation = reason
            self.ended()
        return Violation(reason)

    def log(self, ms: int, entry: Mapping[str, Any]) -> None:
        """Keep what the program said, at its place between the events."""
        rest = " ".join(f"{key}={value}" for key, value in entry.items() if key != "event")
        self.logs.append((len(self.events), Logged(ms, f"{entry.get('event')} {rest}".strip())))

    @property
    def hash(self) -> str:
        """Equal for equal histories."""
        text = "\n".join(map(repr, self.events))
        return hashlib.sha256(f"{text}\n{self.violation}".encode()).hexdigest()[:16]
