"""What the jail asks of Linux that Python has no function for.

Each raises OSError when the kernel refuses.
"""

import ctypes
import os
import re
from collections.abc import Collection, Iterable, Iterator

from media.jail.filter import INSTRUCTION_BYTES
from media.jail.system_calls import Architecture

# prctl(2)
_PR_GET_PDEATHSIG = 2
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_READ, _PR_CAPBSET_DROP = 23, 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4

# capabilities(7)
_LINUX_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITIES_MAX = 64

# landlock(7); the numbers are the same on all architectures.
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_LANDLOCK_RULE_PATH_BENEATH = 1
_LANDLOCK_CREATE_RULESET_VERSION = 1

# seccomp(2)
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_TSYNC = 1
# Without it kernels before 5.16 slow down what the filter is for, to keep secrets from it that a
# jailed process does not have.
_SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4

_libc = ctypes.CDLL(None, use_errno=True)
if hasattr(_libc, "prctl"):  # Linux; else nobody calls
    _libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


class _FilterProgram(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def version() -> tuple[int, int]:
    """Of the kernel: the first two numbers of its release."""
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int(re.split(r"\D", minor)[0])


def seal_privileges() -> None:
    """No program that is executed can give this thread rights it does not have."""
    _control(_PR_SET_NO_NEW_PRIVS, 1)


def forbid_dumps() -> None:
    """Keep others of the same account from this process's memory; a change of user undoes it."""
    _control(_PR_SET_DUMPABLE, 0)


def parent_death_signal() -> int:
    """The signal that the end of the parent sends; 0 for none."""
    number = ctypes.c_int(0)
    _checked(_libc.prctl(_PR_GET_PDEATHSIG, ctypes.addressof(number), 0, 0, 0))
    return number.value


def drop_bounding_capabilities() -> None:
    """Let no capability ever come back; needs CAP_SETPCAP."""
    for capability in _known_capabilities():
        _control(_PR_CAPBSET_DROP, capability)


def drop_capabilities() -> None:
    """Give up every capability that this thread has."""
    _control(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_LINUX_CAPABILITY_VERSION_3, 0)
    # Two structs of (effective, permitted, inheritable).
    _checked(_libc.capset(header, (ctypes.c_uint32 * 6)()))


def give_up(capabilities: Collection[int]) -> None:
    """Give up some capabilities for good: this thread, and all that it starts.

    Those that it may not take out of its bounding set (that needs CAP_SETPCAP) would come back to a
    program that root executes.
    """
    header = (ctypes.c_uint32 * 2)(_LINUX_CAPABILITY_VERSION_3, 0)
    # Two structs of (effective, permitted, inheritable); the second holds capabilities 32 to 63.
    data = (ctypes.c_uint32 * 6)()
    _checked(_libc.capget(header, data))
    for capability in set(capabilities) & set(_known_capabilities()):
        _control(_PR_CAPBSET_DROP, capability)
        half, bit = divmod(capability, 32)
        for kind in range(3):
            data[3 * half + kind] &= ~(1 << bit)
    _checked(_libc.capset(header, data))


def landlock_abi() -> int:
    """The version of Landlock that the kernel has, at least 1."""
    return _call(_LANDLOCK_CREATE_RULESET, 0, 0, _LANDLOCK_CREATE_RULESET_VERSION)


def restrict_by_landlock(ruleset: bytes, rules: Iterable[bytes] = ()) -> None:
    """Enforce a ruleset on this thread and those that it starts, and their children.

    Args:
        ruleset: what is handled (`landlock_ruleset_attr`).
        rules: what of it is granted (`landlock_path_beneath_attr`); each is added before the next
            one is asked for.
    """
    buffer = ctypes.create_string_buffer(ruleset, len(ruleset))
    descriptor = _call(_LANDLOCK_CREATE_RULESET, ctypes.addressof(buffer), len(ruleset), 0)
    try:
        for rule in rules:
            granted = ctypes.create_string_buffer(rule, len(rule))
            address = ctypes.addressof(granted)
            _call(_LANDLOCK_ADD_RULE, descriptor, _LANDLOCK_RULE_PATH_BENEATH, address, 0)
        _call(_LANDLOCK_RESTRICT_SELF, descriptor, 0)
    finally:
        os.close(descriptor)


def install_filter(architecture: Architecture, program: bytes) -> None:
    """Have every thread's system calls pass the filter from now on."""
    buffer = ctypes.create_string_buffer(program, len(program))
    described = _FilterProgram(len(program) // INSTRUCTION_BYTES, ctypes.addressof(buffer))
    failed_thread = _call(
        architecture.seccomp,
        _SECCOMP_SET_MODE_FILTER,
        _SECCOMP_FILTER_FLAG_TSYNC | _SECCOMP_FILTER_FLAG_SPEC_ALLOW,
        ctypes.addressof(described),
    )
    if failed_thread != 0:
        raise OSError(f"thread {failed_thread} has a filter of its own")


def _known_capabilities() -> Iterator[int]:
    for capability in range(_CAPABILITIES_MAX):
        if _libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            yield capability


def _control(option: int, argument: int) -> None:
    _checked(_libc.prctl(option, argument, 0, 0, 0))


def _call(number: int, *arguments: int) -> int:
    return _checked(_libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
