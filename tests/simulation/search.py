"""Histories that nobody has tried, one after the other, until the time is up."""

import time
from collections import Counter
from itertools import count
from typing import NamedTuple

import structlog

from tests.simulation.simulation import simulate


class Tried(NamedTuple):
    """What one process came to: how many histories, those that were broken, and what befell all."""

    histories: int
    broken: int
    counts: Counter[str]


def search(first: int, step: int, until: float) -> Tried:
    """Run the histories of every so many seeds; say which ones break an invariant.

    Args:
        first: the first seed.
        step: from there to the next one.
        until: a time of the machine's monotonic clock, in seconds.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    counts: Counter[str] = Counter()
    histories = broken = 0
    for seed in count(first, step):
        if time.monotonic() >= until:
            break
        history = simulate(seed)
        histories += 1
        counts += history.counts
        if history.violation is not None:
            broken += 1
            say(f"{history.violation}\n    ./run tollcast replay {seed}")
    return Tried(histories, broken, counts)


def say(text: str) -> None:
    """A line for who looks on."""
    print(text, flush=True)  # noqa: T201 - this is what was asked for
