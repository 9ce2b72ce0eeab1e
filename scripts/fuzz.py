"""Looks for inputs that our parsers fail at: `python -m scripts.fuzz [NAME...] [--seconds N]`.

An input that fails is kept as a file in `tests/data/fuzz/NAME/`, and fails the suite until its
cause is gone. What the fuzzer learnt otherwise is kept outside of the project.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

# Inputs that led to something new, from one run to the next.
_LEARNT = Path.home() / ".cache" / "tollcast-fuzz"
# One input may take so long; the slowest honest one takes some 20 ms.
_SECONDS_AN_INPUT_MAX = 5
_SLACK_SECONDS = 60


def fuzz(
    target: Target, seconds: int, learnt: Path, found: Path, *, seed: int = 0, runs: int = -1
) -> "subprocess.CompletedProcess[bytes]":
    """Fuzz in a child process for so long, or until an input fails: then it returns non-zero.

    Args:
        learnt: a folder for inputs that led to something new.
        found: a folder for those that failed.
        seed: of the fuzzer's chance; 0 for another one each time.
        runs: inputs to try at most; as many as there is time for by default.
    """
    learnt.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-P", "-m", "tests.fuzz.fuzz_one"),
        *(target.check.__module__, target.name, str(learnt)),
        *((str(target.kept),) if target.kept.is_dir() else ()),
        *(f"-max_total_time={seconds}", f"-runs={runs}", f"-seed={seed}"),
        *(f"-artifact_prefix={found}/", f"-timeout={_SECONDS_AN_INPUT_MAX}"),
    ]
    limit = seconds + _SLACK_SECONDS
    return subprocess.run(command, capture_output=True, check=False, timeout=limit)


def main(arguments: Sequence[str]) -> int:
    """Fuzz the named targets, or all, one after the other; 1 when an input failed."""
    parser = argparse.ArgumentParser(prog="scripts.fuzz")
    parser.add_argument("names", nargs="*", choices=[*TARGETS, []])
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    options = parser.parse_args(arguments)
    failed = []
    for name in options.names or TARGETS:
        target = TARGETS[name]
        print(f"fuzzing {name}", flush=True)
        done = fuzz(target, options.seconds, _LEARNT / name, target.kept)
        print(done.stderr.decode(errors="replace")[-3_000:], flush=True)
        failed += [name] if done.returncode else []
    print(f"failed: {', '.join(failed)}" if failed else "nothing failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
