"""Packages of npm that tests talk to, installed once for all runs."""

import fcntl
import subprocess
from pathlib import Path

import pytest

from tests.programs import missing, program

_CACHE = Path.home() / ".cache" / "tollcast-tests"
_INSTALL_SECONDS_MAX = 300

# For a test that may be the first, which installs, and then takes as long as any.
NPM_TIMEOUT = pytest.mark.timeout(_INSTALL_SECONDS_MAX + 120)


def npm_packages(name: str, *packages: str) -> Path:
    """The folder `node_modules` with these packages.

    Args:
        name: of their own folder; names their versions.
        packages: each with its version.
    """
    for needed in ("node", "npm"):
        program(needed)
    folder = _CACHE / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _install(folder, packages)
            (folder / "complete").touch()
    return folder / "node_modules"


def _install(folder: Path, packages: tuple[str, ...]) -> None:
    flags = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
    ended = subprocess.run(
        ["npm", "install", *flags, "--prefix", folder, *packages],
        capture_output=True,
        text=True,
        timeout=_INSTALL_SECONDS_MAX,
        check=False,
    )
    if ended.returncode != 0:
        missing(f"npm could not install {', '.join(packages)}: {ended.stderr[-300:]}")
