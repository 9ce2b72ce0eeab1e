"""Looks for histories that break an invariant, among ones that nobody has tried: for as long as it
is told, on one processor. `python -m tests.simulation --seconds 600`
"""

import argparse
import sys
import time
from collections import Counter

import structlog

from tests.simulation.history import History
from tests.simulation.simulation import simulate


def main() -> int:
    """Run fresh histories until the time is up; 1 when one of them broke an invariant."""
    asked = _parser().parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    first = time.time_ns() // 1_000 if asked.first is None else asked.first
    began = time.monotonic()
    counts: Counter[str] = Counter()
    seed, broken = first, 0
    while time.monotonic() - began < asked.seconds:
        history = simulate(seed)
        counts += history.counts
        if history.violation is not None:
            broken += 1
            _say(_told(history))
        seed += 1
    _say(_summary(first, seed - first, time.monotonic() - began, counts))
    _say(f"violations: {broken}")
    return 0 if not broken else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for so long (60)")
    parser.add_argument("--first", type=int, metavar="SEED", help="of the clock if not given")
    return parser


def _told(history: History) -> str:
    return f"{history.violation}\n    ./run tollcast replay {history.seed}"


def _summary(first: int, count: int, seconds: float, counts: Counter[str]) -> str:
    each = "".join(f"\n    {what}: {times}" for what, times in sorted(counts.items()))
    rate = count / seconds
    return f"{count} histories from {first} on, {rate:.0f} a second; what befell them:{each}"


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is what was asked for


if __name__ == "__main__":
    sys.exit(main())
