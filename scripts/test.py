"""All tests, quick ones first and side by side: `python -m scripts.test [PYTEST ARGUMENT...]`.

What starts whole servers or talks to foreign programs comes next, also side by side: much of it
waits. What is marked `alone` runs last: its deadlines are meant for a machine that is not busy with
something else. `-m testnet` runs what talks to Stellar's test network, which nothing else does.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

_SIDE_BY_SIDE = "not end_to_end and not peer and not alone and not testnet"
_WHOLE = "(end_to_end or peer) and not alone"
_ALONE = "alone"
ALONE_FOLDER = "tests/end_to_end"
UNIT = f"{_SIDE_BY_SIDE} and not process"
_WORKERS_MAX = 4
_NO_TESTS_FOUND = 5  # pytest's exit code


def side_by_side(selection: str = _SIDE_BY_SIDE) -> list[str]:
    """The command for tests that may run beside others."""
    workers = min(os.cpu_count() or 1, _WORKERS_MAX)
    return ["-m", "pytest", "-q", "-m", selection, "-n", str(workers), "--dist=worksteal"]


def main(arguments: Sequence[str]) -> int:
    """Run everything, or pytest as told; 0 when all passed."""
    if arguments:
        return _run(["-m", "pytest", *arguments])
    # Only there is any: to collect all of the suite takes a quarter of a minute.
    alone = ["-m", "pytest", "-q", "-m", _ALONE, ALONE_FOLDER]
    results = [_run(command) for command in (side_by_side(), side_by_side(_WHOLE), alone)]
    return max(0 if result == _NO_TESTS_FOUND else result for result in results)


def _run(command: Sequence[str]) -> int:
    # A container's image often forbids Python to keep what it compiles. Here each of hundreds of
    # processes would compile all modules anew, and each run of pytest rewrite all tests' asserts.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run([sys.executable, *command], check=False, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
