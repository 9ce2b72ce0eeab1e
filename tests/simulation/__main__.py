"""Looks for histories that break an invariant, among ones that nobody has tried: for as long as it
is told, on all processors. `python -m tests.simulation --seconds 600`
"""

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.simulation.search import Tried, say, search


def main() -> int:
    """Run fresh histories until the time is up; 1 when one of them broke an invariant."""
    asked = _parser().parse_args()
    first = time.time_ns() // 1_000 if asked.first is None else asked.first
    began = time.monotonic()
    until, places = began + asked.seconds, range(asked.processes)
    with ProcessPoolExecutor(asked.processes, get_context("spawn")) as pool:
        started = [pool.submit(search, first + n, asked.processes, until) for n in places]
        tried = [each.result() for each in started]
    say(_summary(first, tried, time.monotonic() - began))
    broken = sum(each.broken for each in tried)
    say(f"violations: {broken}")
    return 0 if not broken else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for so long (60)")
    parser.add_argument("--first", type=int, metavar="SEED", help="of the clock if not given")
    processors = len(os.sched_getaffinity(0))
    parser.add_argument("--processes", type=int, default=processors, help="one for each processor")
    return parser


def _summary(first: int, tried: list[Tried], seconds: float) -> str:
    counts = sum((each.counts for each in tried), Counter[str]())
    each = "".join(f"\n    {what}: {times}" for what, times in sorted(counts.items()))
    histories = sum(one.histories for one in tried)
    rate = histories / seconds
    return f"{histories} histories from {first} on, {rate:.0f} a second; what befell them:{each}"


if __name__ == "__main__":
    sys.exit(main())
