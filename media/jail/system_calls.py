"""Which system calls a jailed process may make, with their numbers on both architectures.

Drawn from what Python, glibc, musl, libav and x264 call once everything is loaded and open. What
is not here, above all everything that takes a path, a socket or another process, is refused.
Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Architecture:
    """A processor as seccomp(2) sees it.

    Attributes:
        audit: AUDIT_ARCH_* of the calls that are let through at all.
        column: of the table below.
        seccomp: number of seccomp(2) itself.
        foreign_from: numbers from here on belong to a second convention (x32) of the same `audit`;
            None when there is none.
    """

    audit: int
    column: int
    seccomp: int
    foreign_from: int | None


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on 32 bits of an argument: `(argument & mask) == value`.

    Attributes:
        argument: 0 to 5.
        high: the upper half of the argument; the kernel itself looks only at the lower half of
            those that are an `int`.
    """

    argument: int
    mask: int
    value: int
    high: bool = False


ARCHITECTURES: Mapping[str, Architecture] = {
    "x86_64": Architecture(0xC000003E, column=0, seccomp=317, foreign_from=0x40000000),
    "aarch64": Architecture(0xC00000B7, column=1, seccomp=277, foreign_from=None),
}
"""By the machine's name in uname(2)."""

# The first number of the table's kernel (6.18) that was not given out. Later calls do not exist for
# a jailed process, so that a newer libc falls back on what it used before.
FIRST_UNKNOWN = 470
CLONE3 = 435

type Numbers = tuple[int | None, int | None]

ALLOWED: Mapping[str, Numbers] = {
    "futex": (202, 98),
    # Descriptors that are open.
    "read": (0, 63),
    "write": (1, 64),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "lseek": (8, 62),
    "close": (3, 57),
    "fstat": (5, 80),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    # Memory; what makes it executable is checked below.
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    # Threads; what starts them is checked below.
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "membarrier": (324, 283),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "getcpu": (309, 168),
    "exit": (60, 93),
    "exit_group": (231, 94),
    # Its own signals.
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    # Time and chance.
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "getrandom": (318, 278),
    # About itself.
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getppid": (110, 173),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getpriority": (140, 141),
    "getrusage": (98, 165),
    "times": (100, 153),
    "uname": (63, 160),
    "sysinfo": (99, 179),
}
"""Whatever their arguments; what is called most comes first."""

_LOW = 0xFFFFFFFF
_PROT_EXEC = 0x4
_CLONE_THREAD = 0x10000
# CLONE_NEW* of mount, cgroup, UTS, IPC, user, process and network namespaces.
_CLONE_NAMESPACES = 0x7E020000
_AT_EMPTY_PATH = 0x1000
_PR_SET_NAME, _PR_GET_NAME = 15, 16
# F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC
_DESCRIPTOR_COMMANDS = (0, 1, 2, 3, 1030)

CHECKED: Mapping[str, tuple[Numbers, Sequence[Sequence[Check]]]] = {
    # Nothing becomes executable any more: all code was loaded before.
    "mmap": ((9, 222), [[Check(2, _PROT_EXEC, 0)]]),
    "mprotect": ((10, 226), [[Check(2, _PROT_EXEC, 0)]]),
    # Threads, but neither processes nor namespaces.
    "clone": ((56, 220), [[Check(0, _CLONE_THREAD | _CLONE_NAMESPACES, _CLONE_THREAD)]]),
    # glibc before 2.39 asks about a descriptor in this way. A path could be given as well, and its
    # existence seen, which is why the jail changes the root directory where it may.
    "newfstatat": ((262, 79), [[Check(3, _AT_EMPTY_PATH, _AT_EMPTY_PATH)]]),
    "fcntl": ((72, 25), [[Check(1, _LOW, command)] for command in _DESCRIPTOR_COMMANDS]),
    "prctl": ((157, 167), [[Check(0, _LOW, name)] for name in (_PR_SET_NAME, _PR_GET_NAME)]),
    # Reading one's own limits: no other process, no new values.
    "prlimit64": (
        (302, 261),
        [[Check(0, _LOW, 0), Check(2, _LOW, 0), Check(2, _LOW, 0, high=True)]],
    ),
    # x264 makes some of its own threads nicer.
    "setpriority": ((141, 140), [[Check(0, _LOW, 0), Check(1, _LOW, 0)]]),
}
"""With the sets of conditions, one of which has to be met."""

# abort(3) and pthread_kill(3): signals to threads of one's own process, which is argument 0.
TGKILL: Numbers = (234, 131)
