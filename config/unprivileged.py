"""Starts a server program that ends with us, as an account without rights when we are root.

Run as a script by the command that `unprivileged_command` makes, with nothing but the standard
library on its path, so that no code runs between a fork and an exec in a process with threads.
"""

import ctypes
import os
import pwd
import signal
import stat
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ACCOUNT = "nobody"

# prctl(2), capabilities(7)
_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_PR_CAPBSET_READ = 23
_LINUX_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2

_KEEP = -1  # this identity or right stays as it is


class CannotDropRights(Exception):
    """There is no account without rights that could run the program here."""


def account_ids() -> tuple[int, int]:
    """User and group id of the account without rights.

    Raises:
        CannotDropRights: the system has no such account.
    """
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError as error:
        raise CannotDropRights(f"this system has no account {ACCOUNT!r}") from error
    return entry.pw_uid, entry.pw_gid


def can_reach(path: Path, user: int, group: int) -> bool:
    """Tell whether every folder above `path` may be passed by that user."""
    folders = {*path.absolute().parents, *path.resolve().parents}
    return all(_may_pass(folder, user, group) for folder in folders)


def _may_pass(folder: Path, user: int, group: int) -> bool:
    found = folder.stat()
    if found.st_uid == user:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == group:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def passing_capability() -> int | None:
    """The weakest right that passes closed folders and that this process may hand on, if any."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
        if libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            return capability
    return None


def unprivileged_command(command: Sequence[str], paths: Iterable[Path]) -> list[str]:
    """The command that runs `command` without root's rights, ended by SIGINT when we end.

    Root becomes `nobody`; an ordinary user stays who it is. When a folder above one of `paths` is
    closed to `nobody` (a checkout in root's home), the program keeps one right, that of passing
    closed folders; no folder's mode is changed.

    To be started on a thread that lives as long as the program may (see `config.child`).

    Raises:
        CannotDropRights: no such account, or a closed folder and no right to hand on.
    """
    numbers = (os.getpid(), *_credentials(paths))
    return [sys.executable, "-I", "-S", __file__, *map(str, numbers), *command]


def drop_rights(paths: Iterable[Path]) -> None:
    """Do to this process what `unprivileged_command` does to another: to be called in a child that
    was forked and has one thread. It is ended by SIGINT when its parent ends.

    Raises:
        CannotDropRights: as `unprivileged_command`.
    """
    _become(os.getppid(), *_credentials(paths))


def give_away(path: Path, mode: int) -> None:
    """Close `path` to others and, as root, make the account without rights its owner."""
    path.chmod(mode)
    if os.geteuid() == 0:
        os.chown(path, *account_ids())


def _credentials(paths: Iterable[Path]) -> tuple[int, int, int]:
    if os.geteuid() != 0:
        return (_KEEP, _KEEP, _KEEP)
    user, group = account_ids()
    closed = [path for path in paths if not can_reach(path, user, group)]
    if not closed:
        return (user, group, _KEEP)
    capability = passing_capability()
    if capability is None:
        raise CannotDropRights(
            f"{ACCOUNT!r} cannot reach {closed[0]}: a folder above it is closed to others, "
            "and this container may not hand on CAP_DAC_OVERRIDE; "
            "run as an ordinary user or choose an open folder"
        )
    return (user, group, capability)


def _become(parent: int, user: int, group: int, capability: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if capability != _KEEP:
        # Without this bit access(2) ignores the capabilities of a user that is not root.
        _checked(libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0), "securebits")
    if user != _KEEP:
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    if capability != _KEEP:
        _keep_only(libc, capability)
    if sys.platform.startswith("linux"):
        # A change of user clears the parent-death signal, so it is set afterwards.
        _checked(libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0), "parent-death signal")
    if os.getppid() != parent:
        sys.exit("the parent is gone")


def _keep_only(libc: ctypes.CDLL, capability: int) -> None:
    header = (ctypes.c_uint32 * 2)(_LINUX_CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    # Two structs of (effective, permitted, inheritable); the second holds capabilities 32 to 63.
    data = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    _checked(libc.capset(header, data), "capset")
    _checked(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0), "ambient set")


def _checked(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"the kernel refused: {what}")


def main(arguments: Sequence[str]) -> None:
    """Become the program: PARENT USER GROUP CAPABILITY PROGRAM [ARGUMENT...]."""
    parent, user, group, capability = map(int, arguments[:4])
    _become(parent, user, group, capability)
    os.execv(arguments[4], list(arguments[4:]))


if __name__ == "__main__":
    main(sys.argv[1:])
