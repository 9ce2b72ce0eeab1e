"""The command that kills processes which pay, as often as asked for: see `kill_points`."""

import argparse
import asyncio
import sys

from tests.metering.settlement.kill_points import POINTS, run_alone


def main() -> int:
    """Kill as often as asked for, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    times = parser.parse_args().times
    faults = asyncio.run(run_alone(times))
    sound = f"{times} kills at each of {len(POINTS)} points: chain = ledger to the stroop"
    sys.stdout.write("\n".join([*faults, "failed" if faults else sound]) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
