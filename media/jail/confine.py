"""Locks this process in for good; Linux on x86_64 and aarch64, some of it on other processors.

To be called in a child after all imports and before the first byte from outside. What is open
stays open: a worker reads media from a descriptor and writes what it made to a pipe. A part that
the kernel or the account refuses is left out and reported; the caller says what is too little.
"""

import ctypes
import importlib
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from config.child import die_with_parent
from config.limits import JAIL_CPU_GRACE_SECONDS, JAIL_THREADS_MAX
from config.unprivileged import CannotDropRights, account_ids
from media.jail import kernel
from media.jail.filter import filter_program
from media.jail.landlock import ruleset
from media.jail.level import Confinement, Level, Parts
from media.jail.system_calls import ARCHITECTURES

# What Python and glibc load when a process or a thread fails or ends, which is too late in a jail.
for _late in ("encodings.ascii", "encodings.latin_1", "encodings.utf_8", "linecache", "traceback"):
    importlib.import_module(_late)
with suppress(OSError):  # glibc's alone; musl needs none
    ctypes.CDLL("libgcc_s.so.1")

# The kernel's overflow ids, which `nobody` has nearly everywhere, for images without accounts.
_NOBODY = (65534, 65534)
_THREADS_COUNTED_BY_NAMESPACE = (5, 14)
_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")


class AlreadyConfined(Exception):
    """This process is in a jail, which cannot be changed any more."""


def confine(confinement: Confinement) -> Level:
    """Lock this process in, as well as it can be here.

    A parent-death signal that was asked for before stays in force.

    Raises:
        AlreadyConfined: by an earlier call.
    """
    return build_jail(confinement).level


def build_jail(confinement: Confinement) -> Parts:
    """As `confine`; tells each part."""
    if not sys.platform.startswith("linux"):
        return Parts()
    try:
        death_signal, parent = kernel.parent_death_signal(), os.getppid()
    except PermissionError:
        raise AlreadyConfined(str(AlreadyConfined.__doc__)) from None
    assert _threads() == 1, "Landlock and capabilities are those of one thread"
    directory = _works(_enter_empty_directory)
    network, account, capabilities = _leave_the_machine(directory=directory)
    limits = _works(lambda: _set_limits(confinement))
    sealed = _works(_seal)
    if death_signal:
        die_with_parent(signal.Signals(death_signal), parent)
    return Parts(
        limits=limits,
        sealed=sealed,
        account=account,
        capabilities=capabilities,
        directory=directory,
        network=network,
        landlock=_works(_close_paths),
        seccomp=_works(_close_system_calls),  # last: the others need what it refuses
    )


def _works(part: Callable[[], None]) -> bool:
    """Whether a part of the jail could be had."""
    try:
        part()
    except OSError:
        return False
    return True


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - libraries' threads as well
    except OSError:  # /proc is not mounted
        return threading.active_count()


def _enter_empty_directory() -> None:
    """Go where nothing is and nothing can be made: into a directory that was removed."""
    name = f"tollcast-jail-{os.getpid()}-{os.urandom(8).hex()}"
    for folder in _FOLDERS:
        path = f"{folder}/{name}"
        with suppress(OSError):
            os.mkdir(path)  # noqa: PTH102
            os.chdir(path)
            os.chmod(".", 0o111)  # noqa: PTH101
            os.rmdir(path)  # noqa: PTH106
            return
    os.chdir("/")
    raise OSError("there is no folder for temporary files")


def _leave_the_machine(*, directory: bool) -> tuple[bool, bool, bool]:
    """Get a network of its own, become `nobody`, give up capabilities; whether each worked.

    Root gets its network before it loses the right to one; others by a user namespace, in which
    they also have the right to change their root directory.
    """
    network = _works(lambda: os.unshare(os.CLONE_NEWNET))
    _works(kernel.drop_bounding_capabilities)
    account = _works(_leave_root)
    wanted = os.CLONE_NEWUSER if network else os.CLONE_NEWUSER | os.CLONE_NEWNET
    if _works(lambda: os.unshare(wanted)):
        network = True
        if directory:
            _works(lambda: os.chroot("."))
        _works(kernel.drop_bounding_capabilities)
        _works(_limit_threads)
    return network, account, _works(kernel.drop_capabilities)


def _leave_root() -> None:
    if 0 not in os.getresuid():
        return
    try:
        user, group = account_ids()
    except CannotDropRights:
        user, group = _NOBODY
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)


def _set_limits(confinement: Confinement) -> None:
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)  # of regular files; pipes take whatever is written
    _limit(resource.RLIMIT_NOFILE, confinement.descriptors)
    _limit(resource.RLIMIT_AS, confinement.memory_bytes)
    if confinement.cpu_seconds is not None:
        # SIGXCPU, which tells the parent why; then SIGKILL, which cannot be caught.
        _limit(resource.RLIMIT_CPU, confinement.cpu_seconds, JAIL_CPU_GRACE_SECONDS)


def _limit_threads() -> None:
    """Only inside a user namespace: there the kernel counts this process alone, since Linux 5.14.

    Outside all processes of the account are counted, and other workers would take this one's.
    """
    if kernel.version() >= _THREADS_COUNTED_BY_NAMESPACE:
        _limit(resource.RLIMIT_NPROC, JAIL_THREADS_MAX)


def _limit(which: int, wanted: int, grace: int = 0) -> None:
    _, hard = resource.getrlimit(which)
    ceiling = wanted + grace if hard == resource.RLIM_INFINITY else min(hard, wanted + grace)
    resource.setrlimit(which, (min(wanted, ceiling), ceiling))


def _seal() -> None:
    kernel.forbid_dumps()
    kernel.seal_privileges()


def _close_paths() -> None:
    kernel.restrict_by_landlock(ruleset(kernel.landlock_abi()))


def _close_system_calls() -> None:
    architecture = ARCHITECTURES.get(os.uname().machine)
    if architecture is None:
        raise OSError(f"there is no table of system calls for {os.uname().machine}")
    kernel.install_filter(architecture, filter_program(architecture, os.getpid()))
