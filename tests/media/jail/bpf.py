"""A machine for the instructions that seccomp filters of ours use, as bpf(4) describes them."""

import struct
from collections.abc import Sequence

KILL, ALLOW = 0x80000000, 0x7FFF0000


def fails_with(number: int) -> int:
    """The answer that makes a call fail with that errno."""
    return 0x00050000 | number


def answer(program: bytes, architecture: int, number: int, arguments: Sequence[int] = ()) -> int:
    """What the filter says to a system call."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number, architecture, 0, *padded)
    instructions = list(struct.iter_unpack("=HBBI", program))
    place, accumulator = 0, 0
    while True:
        code, yes, no, operand = instructions[place]
        place += 1
        match code:
            case 0x20:  # load a word
                (accumulator,) = struct.unpack_from("=I", data, operand)
            case 0x54:  # and
                accumulator &= operand
            case 0x15:  # jump if equal
                place += yes if accumulator == operand else no
            case 0x35:  # jump if at least
                place += yes if accumulator >= operand else no
            case 0x06:  # return
                return int(operand)
            case _:
                raise AssertionError(f"unknown instruction {code:#x}")
