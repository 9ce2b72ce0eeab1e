"""Shuts this process, and all that it starts from then on, out of one folder for good.

With Landlock (landlock(7)), to which also root is subject: everything is granted beneath whatever
lies beside the way to the folder, and on that way only to see what is there. So in the folders
above it nothing new can be made, and what others make there is not read; within what is there
already all is as before.

Landlock also keeps whoever is shut out from looking into processes that are not: from ptrace(2),
from /proc/PID/mem and its like, and from mounting anything elsewhere. What root could do besides,
past the file system, it gives up: reading disks and memory as devices, and changing the kernel.
"""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from config.limits import DOCTOR_CHILD_SECONDS_MAX, LOCKOUT_RULES_MAX
from config.mounts import aliases, read_mounts
from media.jail import kernel
from media.jail.landlock import READ_FOLDER, all_but_devices, files_only, path_rule

# The first one in which files can be moved and linked between folders, as clips are.
_ABI_MIN = 2

# capabilities(7): modules, raw memory and ports, tracing, another kernel, device files, security
# modules, the kernel's log, performance counters and programs in the kernel.
_POWERS = (16, 17, 19, 22, 27, 32, 33, 34, 38, 39)
_SYS_ADMIN = 21

# The kernel's overflow id, which has no rights anywhere.
_NOBODY = 65534

_DEVICES = Path("/dev")
_MOUNTS = Path("/proc/self/mountinfo")
# /dev/mem, /dev/kmem and /dev/port (devices.txt of Linux).
_MEMORY_DEVICES = [os.makedev(1, minor) for minor in (1, 2, 4)]


class CannotLockOut(Exception):
    """This system cannot shut a process out of a folder."""


def lock_out(folder: Path) -> None:
    """Do it. To be called while this process has one thread.

    Args:
        folder: does not have to exist.

    Raises:
        CannotLockOut: the kernel has no Landlock, or an old one; or there is too much around the
            folder to be told.
    """
    try:
        abi = kernel.landlock_abi()
        if abi < _ABI_MIN:
            raise CannotLockOut(f"Landlock is of version {abi}, and {_ABI_MIN} is needed")
        assert len(os.listdir("/proc/self/task")) == 1, "Landlock is that of one thread"  # noqa: PTH208
        if os.geteuid() == 0:
            kernel.give_up(_POWERS if _needs_admin() else (*_POWERS, _SYS_ADMIN))
        kernel.seal_privileges()
        kernel.restrict_by_landlock(files_only(abi), _rules(_names(folder.resolve()), abi))
    except (OSError, AttributeError) as error:  # macOS has none of it
        raise CannotLockOut(f"the kernel has no Landlock: {error}") from error


def trial() -> str | None:
    """Try it, in a process that ends afterwards: why it does not work here, or None.

    Raises:
        OSError: nothing can be tried.
    """
    with tempfile.TemporaryDirectory() as name:
        secret = Path(name) / "kept" / "secret"
        secret.parent.mkdir()
        secret.write_text("secret")
        done = subprocess.run(
            [sys.executable, "-P", "-m", "api.lockout", str(secret)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=DOCTOR_CHILD_SECONDS_MAX,
        )
    return None if done.returncode == 0 else done.stdout.decode().strip() or "it crashed"


def _names(folder: Path) -> list[Path]:
    """All paths that lead to a folder."""
    return [folder, *aliases(folder, list(read_mounts(_MOUNTS.read_text())))]


def _rules(folders: Sequence[Path], abi: int) -> Iterator[bytes]:
    """A rule for each neighbour, and one for the names of all files there are."""
    with _opened(Path("/")) as root:
        yield path_rule(READ_FOLDER, root)
    for number, path in enumerate(neighbours(folders)):
        if number >= LOCKOUT_RULES_MAX:
            raise CannotLockOut(f"more than {LOCKOUT_RULES_MAX} files are around {folders[0]}")
        with suppress(FileNotFoundError, PermissionError), _opened(path) as descriptor:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISLNK(mode):  # where it leads has a rule, or is out of bounds
                yield path_rule(all_but_devices(abi, folder=stat.S_ISDIR(mode)), descriptor)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def neighbours(folders: Sequence[Path]) -> Iterator[Path]:
    """All that lies beside folders and beside those above them; of devices only harmless ones."""
    above = {parent for folder in folders for parent in folder.parents}
    on_the_way = above.union(folders)
    for outer in sorted(above):
        for path in _inside(outer):
            if path == _DEVICES and path not in on_the_way:
                yield from filter(_is_harmless, _inside(path))
            elif path not in on_the_way:
                yield path


def _inside(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # may be passed, but not listed: what is in it is out of bounds then
        return []


def _is_harmless(device: Path) -> bool:
    """Whether neither a disk nor the memory is behind it."""
    try:
        found = device.stat()
    except OSError:
        return False
    is_memory = stat.S_ISCHR(found.st_mode) and found.st_rdev in _MEMORY_DEVICES
    return not stat.S_ISBLK(found.st_mode) and not is_memory


def _needs_admin() -> bool:
    """Whether workers get networks of their own by CAP_SYS_ADMIN alone, not by user namespaces.

    With it the kernel could be told to show any memory (bpf(2)), so it is given up where it can be.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
            os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return status != 0


def _try(secret: Path) -> int:
    """Lock this process out of a file's folder: 0 when the file cannot be read afterwards."""
    try:
        lock_out(secret.parent)
        secret.read_bytes()
    except CannotLockOut as reason:
        print(reason)  # noqa: T201
        return 1
    except PermissionError:
        return 0
    print("it is read nevertheless")  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(_try(Path(sys.argv[1])))
