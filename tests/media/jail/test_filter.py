"""The seccomp filter, asked about system calls of both architectures by an interpreter."""

import errno
import re
import struct
from pathlib import Path

import pytest

from media.jail.filter import INSTRUCTION_BYTES, filter_program
from media.jail.system_calls import ALLOWED, ARCHITECTURES, CHECKED, FIRST_UNKNOWN, TGKILL
from tests.media.jail.bpf import ALLOW, KILL, answer, fails_with

_PROCESS = 4242
_NAMES = list(ARCHITECTURES)
_REFUSED = fails_with(errno.EPERM)
_UNKNOWN = fails_with(errno.ENOSYS)
_BPF_MAXINSNS = 4096

# What hostile code would like to call, by (x86_64, aarch64); numbers from the kernel's headers.
_WANTED: dict[str, tuple[int | None, int | None]] = {
    "open": (2, None), "openat": (257, 56), "openat2": (437, 437), "creat": (85, None),
    "stat": (4, None), "access": (21, None), "faccessat": (269, 48), "readlink": (89, None),
    "readlinkat": (267, 78), "statx": (332, 291), "getdents64": (217, 61), "chdir": (80, 49),
    "unlink": (87, None), "unlinkat": (263, 35), "rename": (82, None), "renameat2": (316, 276),
    "mkdirat": (258, 34), "linkat": (265, 37), "symlinkat": (266, 36), "mknodat": (259, 33),
    "truncate": (76, 45), "ftruncate": (77, 46), "fchmod": (91, 52), "fchmodat": (268, 53),
    "chown": (92, None), "fchown": (93, 55), "pwrite64": (18, 68), "sendfile": (40, 71),
    "splice": (275, 76), "copy_file_range": (326, 285), "memfd_create": (319, 279),
    "fsopen": (430, 430), "inotify_init1": (294, 26), "fanotify_init": (300, 262),
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "kill": (62, 129), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_send_signal": (424, 424), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "kcmp": (312, 272), "socket": (41, 198),
    "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242), "sendto": (44, 206), "sendmsg": (46, 211),
    "recvmsg": (47, 212), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40),
    "umount2": (166, 39), "chroot": (161, 51), "pivot_root": (155, 41), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "init_module": (175, 105), "kexec_load": (246, 104),
    "setuid": (105, 146), "setresuid": (117, 147), "setgroups": (116, 159), "capset": (126, 91),
    "personality": (135, 92), "setrlimit": (160, 164), "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119), "ioctl": (16, 29), "dup": (32, 23), "pipe2": (293, 59),
    "seccomp": (317, 277), "landlock_create_ruleset": (444, 444), "pkey_mprotect": (329, 288),
    "shmget": (29, 194), "mq_open": (240, 180), "reboot": (169, 142), "modify_ldt": (154, None),
    "arch_prctl": (158, None), "iopl": (172, None), "move_pages": (279, 239),
}  # fmt: skip


def ask(name: str, number: int | None, *arguments: int) -> int | None:
    """What the filter of that architecture says; None for a call that it does not have."""
    architecture = ARCHITECTURES[name]
    if number is None:
        return None
    program = filter_program(architecture, _PROCESS)
    return answer(program, architecture.audit, number, arguments)


def checked(name: str, call: str, *arguments: int) -> int | None:
    numbers = TGKILL if call == "tgkill" else CHECKED[call][0]
    return ask(name, numbers[ARCHITECTURES[name].column], *arguments)


@pytest.mark.parametrize("name", _NAMES)
def test_what_takes_a_path_a_socket_or_another_process_is_refused(name: str) -> None:
    column = ARCHITECTURES[name].column
    for call, numbers in _WANTED.items():
        for argument in (0, 1, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF):
            assert ask(name, numbers[column], *[argument] * 6) in (_REFUSED, None), call


@pytest.mark.parametrize("name", _NAMES)
def test_what_decoders_need_is_allowed(name: str) -> None:
    column = ARCHITECTURES[name].column
    for call, numbers in ALLOWED.items():
        assert ask(name, numbers[column], *[0xFFFFFFFF] * 6) in (ALLOW, None), call


@pytest.mark.parametrize("name", _NAMES)
def test_threads_are_allowed_and_processes_and_namespaces_are_not(name: str) -> None:
    # CLONE_VM|FS|FILES|SIGHAND|THREAD|SYSVSEM|SETTLS|PARENT_SETTID|CHILD_CLEARTID
    thread = 0x3D0F00
    assert checked(name, "clone", thread) == ALLOW
    assert checked(name, "clone", 17) == _REFUSED  # fork(3): SIGCHLD
    assert checked(name, "clone", 0x4111) == _REFUSED  # posix_spawn(3): CLONE_VM|CLONE_VFORK
    for namespace in (0x20000, 1 << 25, 1 << 26, 1 << 27, 1 << 28, 1 << 29, 1 << 30):
        assert checked(name, "clone", thread | namespace) == _REFUSED
    assert ask(name, 435) == _UNKNOWN  # clone3: glibc then calls clone


@pytest.mark.parametrize("name", _NAMES)
def test_memory_never_becomes_executable(name: str) -> None:
    for call in ("mmap", "mprotect"):
        assert checked(name, call, 0, 4096, 3) == ALLOW
        assert checked(name, call, 0, 4096, 5) == _REFUSED
        assert checked(name, call, 0, 4096, 7) == _REFUSED


@pytest.mark.parametrize("name", _NAMES)
def test_arguments_decide_about_calls_that_can_do_good_and_harm(name: str) -> None:
    assert checked(name, "tgkill", _PROCESS, 1, 6) == ALLOW
    assert checked(name, "tgkill", _PROCESS + 1, 1, 6) == _REFUSED
    assert checked(name, "prlimit64", 0, 3, 0, 1 << 40) == ALLOW
    assert checked(name, "prlimit64", 0, 3, 1 << 40, 0) == _REFUSED
    assert checked(name, "prlimit64", 0, 3, 1 << 8, 0) == _REFUSED
    assert checked(name, "prlimit64", _PROCESS, 3, 0, 0) == _REFUSED
    assert checked(name, "newfstatat", 3, 0, 0, 0x1000) == ALLOW
    assert checked(name, "newfstatat", 3, 0, 0, 0) == _REFUSED
    assert checked(name, "prctl", 15) == ALLOW
    assert checked(name, "prctl", 22, 2) == _REFUSED
    assert checked(name, "fcntl", 3, 1030) == ALLOW
    assert checked(name, "fcntl", 3, 8, 1) == _REFUSED  # F_SETOWN
    assert checked(name, "setpriority", 0, 0, 19) == ALLOW
    assert checked(name, "setpriority", 0, 1, 19) == _REFUSED


def test_calls_of_another_architecture_kill() -> None:
    for name, architecture in ARCHITECTURES.items():
        program = filter_program(architecture, _PROCESS)
        for audit in (0x40000003, 0x40000028, 0, *(o.audit for o in ARCHITECTURES.values())):
            if audit != architecture.audit:
                assert answer(program, audit, 0) == KILL, name


def test_x32_kills() -> None:
    for number in (0x40000000, 0x40000001, 0x40000000 | 520, 0xFFFFFFFF):
        assert ask("x86_64", number) == KILL


@pytest.mark.parametrize("name", _NAMES)
def test_calls_that_are_newer_than_the_table_do_not_exist(name: str) -> None:
    assert ask(name, FIRST_UNKNOWN) == _UNKNOWN
    assert ask(name, FIRST_UNKNOWN - 1) == _REFUSED


@pytest.mark.parametrize("name", _NAMES)
def test_every_number_below_is_answered_by_a_program_that_the_kernel_would_load(name: str) -> None:
    program = filter_program(ARCHITECTURES[name], _PROCESS)
    length = len(program) // INSTRUCTION_BYTES
    assert length < _BPF_MAXINSNS
    for place, (code, yes, no, _) in enumerate(struct.iter_unpack("=HBBI", program)):
        assert code == 0x06 or place + 1 + max(yes, no) < length
    assert {ask(name, number) for number in range(600)} == {ALLOW, _REFUSED, _UNKNOWN}


_HEADERS = (
    Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    Path("/usr/include/asm-generic/unistd.h"),
)


@pytest.mark.skipif(not all(one.exists() for one in _HEADERS), reason="no headers of the kernel")
@pytest.mark.parametrize("name", _NAMES)
def test_the_tables_agree_with_the_headers_of_the_kernel(name: str) -> None:
    column = ARCHITECTURES[name].column
    found = re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", _HEADERS[column].read_text())
    known = {call: int(number) for call, number in reversed(found)}
    known.setdefault("newfstatat", known.get("fstatat", 0))  # as it is called there
    ours = {**ALLOWED, **{call: one[0] for call, one in CHECKED.items()}, "tgkill": TGKILL}
    for call, numbers in {**ours, **_WANTED, "clone3": (435, 435)}.items():
        assert numbers[column] == known.get(call), call
    assert ARCHITECTURES[name].seccomp == known["seccomp"]
