"""Everything a change has to pass before it is committed: `python -m scripts.check`."""

import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from scripts.test import UNIT, side_by_side

_PROGRAMS = Path(sysconfig.get_path("scripts"))


def checks() -> list[tuple[str, list[str]]]:
    """What is run, in the order of how fast it fails."""
    python = sys.executable
    return [
        ("format", [python, "-m", "ruff", "format", "--check", ".", "run"]),
        ("lint", [python, "-m", "ruff", "check", ".", "run"]),
        ("types", [python, "-m", "mypy"]),
        ("imports", [str(_PROGRAMS / "lint-imports")]),
        ("tests", [python, *side_by_side(UNIT)]),
    ]


def main(names: Sequence[str]) -> int:
    """Run the named checks, or all of them; 1 when any failed."""
    failed = []
    for name, command in checks():
        if names and name not in names:
            continue
        print(f"== {name}", flush=True)
        if subprocess.run(command, check=False).returncode != 0:
            failed.append(name)
    print(f"check: {', '.join(failed)} failed" if failed else "check: all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
