"""Eight things that hostile code would try first, each tried for real and without lasting harm."""

import mmap
import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

EXECUTE = "execute_program"

_SYSTEM_FILE = Path("/etc/passwd")
_SHELL = "/bin/sh"
_FOLDERS = (".", "/tmp", "/var/tmp", "/dev/shm")


@dataclass(frozen=True, slots=True)
class Targets:
    """What is there to be reached; each of it has to exist, or a failure proves nothing.

    Attributes:
        neighbour: a file that is readable for everybody.
        port: on 127.0.0.1, where somebody listens.
        memory_bytes: more than this process may have.
    """

    neighbour: Path
    port: int
    memory_bytes: int


def try_all(targets: Targets) -> dict[str, bool]:
    """Try all but `EXECUTE` by replacing this very program; whether each was blocked."""
    attempts: Mapping[str, Callable[[], object]] = {
        "read_system_file": _SYSTEM_FILE.read_bytes,
        "read_neighbour_file": targets.neighbour.read_bytes,
        "write_file": _write_somewhere,
        "connect_to_network": partial(_connect, targets.port),
        EXECUTE: _run_shell,
        "signal_parent": _signal_parent,
        "exceed_memory": partial(bytearray, targets.memory_bytes),
        "gain_powers": _gain_powers,  # last, as it may change who this process is
    }
    return {name: _is_blocked(attempt) for name, attempt in attempts.items()}


def become_shell(said: str) -> None:
    """Replace this program by one that prints a line; returns when that is blocked."""
    with suppress(OSError):
        os.execv(_SHELL, ["sh", "-c", 'printf "%s\\n" "$1"', "sh", said])


def _is_blocked(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, MemoryError):
        return True
    return False


def _first_that_works(*attempts: Callable[[], object]) -> None:
    """Raises OSError when none does."""
    for attempt in attempts:
        with suppress(OSError, AttributeError):  # other systems lack some of these functions
            attempt()
            return
    raise OSError("each was refused")


def _write_somewhere() -> None:
    _first_that_works(*(partial(_write, folder) for folder in _FOLDERS))


def _write(folder: str) -> None:
    path = Path(folder) / f"tollcast-jail-{os.getpid()}-{os.urandom(8).hex()}"
    try:
        path.write_bytes(b"written")
    finally:
        path.unlink(missing_ok=True)


def _connect(port: int) -> None:
    # Not `create_connection`: looking up a name imports, and that fails in a jail for a bad reason.
    with socket.socket() as connection:
        connection.settimeout(1)
        connection.connect(("127.0.0.1", port))


def _run_shell() -> None:
    child = os.posix_spawn(_SHELL, ["sh", "-c", "exit 0"], {})
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise OSError("the shell could not do anything")


def _signal_parent() -> None:
    os.kill(os.getppid(), signal.SIGURG)  # which is ignored by default


def _gain_powers() -> None:
    """New code, a program without a file, a hold on the parent, a world where it is root."""
    _first_that_works(
        lambda: mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_WRITE | mmap.PROT_EXEC).close(),
        lambda: os.close(os.memfd_create("program")),
        lambda: os.close(os.pidfd_open(os.getppid())),
        lambda: os.unshare(os.CLONE_NEWUSER),
    )
