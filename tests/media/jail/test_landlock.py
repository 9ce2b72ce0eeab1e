"""The ruleset that Landlock is given, by its ABI."""

import struct

import pytest

from media.jail.landlock import all_but_devices, file_rights, files_only, path_rule, ruleset


@pytest.mark.parametrize(
    ("abi", "expected"),
    [
        (1, (0x1FFF,)),
        (2, (0x3FFF,)),
        (3, (0x7FFF,)),
        (4, (0x7FFF, 3)),
        (5, (0xFFFF, 3)),
        (6, (0xFFFF, 3, 3)),
        (7, (0xFFFF, 3, 3)),
        (12, (0xFFFF, 3, 3)),
    ],
)
def test_everything_that_an_abi_knows_is_handled(abi: int, expected: tuple[int, ...]) -> None:
    made = ruleset(abi)
    assert struct.unpack(f"={len(made) // 8}Q", made) == expected


@pytest.mark.parametrize("abi", [1, 2, 3, 5, 7])
def test_what_is_granted_is_handled_and_makes_no_devices(abi: int) -> None:
    (handled,) = struct.unpack("=Q", files_only(abi))
    folder, file = (all_but_devices(abi, folder=each) for each in (True, False))
    assert handled == file_rights(abi)
    assert folder | 1 << 6 | 1 << 11 == handled
    assert folder & (1 << 6 | 1 << 11) == 0
    assert file & 0b111 == 0b111, "it can be executed, written and read"
    assert file & ~folder == 0


def test_a_rule_is_packed() -> None:
    assert path_rule(5, 7) == bytes([5, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0])
