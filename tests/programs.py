"""Programs from outside that tests talk to, and what is done when one is missing."""

import os
import shutil
from typing import NoReturn

import imageio_ffmpeg
import pytest

# No traffic of the browser's own: it has nobody to talk to but this machine's servers.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


def missing(reason: str) -> NoReturn:
    """Skip for want of something from outside; in CI nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def program(name: str) -> str:
    """A program's path; `bundled ffmpeg` is the one of the `imageio-ffmpeg` package."""
    if name == "bundled ffmpeg":
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    path = shutil.which(name)
    if path is None:
        missing(f"{name} is not installed; scripts/install_test_programs.sh brings it")
    return path
