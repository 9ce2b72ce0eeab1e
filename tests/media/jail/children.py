"""Children that lock themselves in, and a kernel that refuses them parts of it."""

import errno
import os
import struct
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from media.jail import kernel
from media.jail.system_calls import ARCHITECTURES

ROOT = Path(__file__).resolve().parents[3]
NOBODY = 65534

# By (x86_64, aarch64).
LANDLOCK, SECCOMP, UNSHARE, SETUID, SETGROUPS = (
    (444, 444),
    (317, 277),
    (272, 97),
    (105, 146),
    (116, 159),
)


def command(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def run(
    code: str, *arguments: str, open_files: Sequence[int] = (), seconds: float = 60
) -> "subprocess.CompletedProcess[str]":
    """Run Python code as a child in the folder of this checkout; its output is a pipe."""
    return subprocess.run(
        command(code, *arguments),
        cwd=ROOT,
        pass_fds=open_files,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def refuse(calls: Iterable[tuple[int, int]], error: int = errno.ENOSYS) -> None:
    """Make this process's kernel one that lacks these system calls."""
    architecture = ARCHITECTURES[os.uname().machine]
    program = struct.pack("=HBBI", 0x20, 0, 0, 0)
    for numbers in calls:
        program += struct.pack("=HBBI", 0x15, 0, 1, numbers[architecture.column])
        program += struct.pack("=HBBI", 0x06, 0, 0, 0x00050000 | error)
    program += struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)
    kernel.seal_privileges()
    kernel.install_filter(architecture, program)


def become_nobody() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
