"""The seccomp filter of the jail, as a program for the kernel's classic BPF machine.

Pure: the same bytes for the same architecture and process. seccomp(2), bpf(4); the machine sees
`struct seccomp_data`: number, architecture, instruction pointer, six arguments of 64 bits.
"""

import errno
import struct
from collections.abc import Sequence

from media.jail.system_calls import (
    ALLOWED,
    CHECKED,
    CLONE3,
    FIRST_UNKNOWN,
    TGKILL,
    Architecture,
    Check,
)

INSTRUCTION_BYTES = 8

# Codes of instructions: BPF_LD|BPF_W|BPF_ABS, BPF_ALU|BPF_AND|BPF_K, BPF_JMP|BPF_J..|BPF_K, BPF_RET
_LOAD = 0x20
_AND = 0x54
_JUMP_IF_EQUAL = 0x15
_JUMP_IF_AT_LEAST = 0x35
_RETURN = 0x06

_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000
_ALLOW = 0x7FFF0000

_NUMBER_OFFSET, _ARCHITECTURE_OFFSET, _ARGUMENTS_OFFSET = 0, 4, 16
_LOW = 0xFFFFFFFF

type Instruction = bytes


def filter_program(architecture: Architecture, process: int) -> bytes:
    """The filter: an allow-list, and EPERM for the rest.

    Args:
        architecture: whose calls are let through; a call of another one kills the process.
        process: the only one that may be signalled, as it knows itself.
    """
    column = architecture.column
    program = [_load(_ARCHITECTURE_OFFSET), *_unless_equal(architecture.audit, _KILL_PROCESS)]
    program += [_load(_NUMBER_OFFSET)]
    if architecture.foreign_from is not None:
        program += _when_at_least(architecture.foreign_from, _KILL_PROCESS)
    for numbers in ALLOWED.values():
        if (number := numbers[column]) is not None:
            program += _when_equal(number, _ALLOW)
    checked = {**CHECKED, "tgkill": (TGKILL, [[Check(0, _LOW, process)]])}
    for numbers, alternatives in checked.values():
        if (number := numbers[column]) is not None:
            program += _when_checked(number, alternatives)
    program += _when_equal(CLONE3, _ERRNO | errno.ENOSYS)
    program += _when_at_least(FIRST_UNKNOWN, _ERRNO | errno.ENOSYS)
    program += [_return(_ERRNO | errno.EPERM)]
    return b"".join(program)


def _when_checked(number: int, alternatives: Sequence[Sequence[Check]]) -> list[Instruction]:
    """Allow the call when one of the alternatives is met; the number is loaded again after it."""
    tests: list[Instruction] = []
    for checks in alternatives:
        tests += _when_all(checks)
    tests += [_load(_NUMBER_OFFSET)]
    return [_instruction(_JUMP_IF_EQUAL, number, no=len(tests)), *tests]


def _when_all(checks: Sequence[Check]) -> list[Instruction]:
    met = [_return(_ALLOW)]
    for check in reversed(checks):
        offset = _ARGUMENTS_OFFSET + 8 * check.argument + 4 * check.high
        met = [
            _load(offset),
            _instruction(_AND, check.mask),
            _instruction(_JUMP_IF_EQUAL, check.value, no=len(met)),
            *met,
        ]
    return met


def _when_equal(number: int, answer: int) -> list[Instruction]:
    return [_instruction(_JUMP_IF_EQUAL, number, no=1), _return(answer)]


def _unless_equal(number: int, answer: int) -> list[Instruction]:
    return [_instruction(_JUMP_IF_EQUAL, number, yes=1), _return(answer)]


def _when_at_least(number: int, answer: int) -> list[Instruction]:
    return [_instruction(_JUMP_IF_AT_LEAST, number, no=1), _return(answer)]


def _load(offset: int) -> Instruction:
    return _instruction(_LOAD, offset)


def _return(answer: int) -> Instruction:
    return _instruction(_RETURN, answer)


def _instruction(code: int, operand: int, *, yes: int = 0, no: int = 0) -> Instruction:
    """`struct sock_filter`; `yes` and `no` are how many instructions to leave out."""
    return struct.pack("=HBBI", code, yes, no, operand)
