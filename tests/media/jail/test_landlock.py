"""The ruleset that Landlock is given, by its ABI."""

import struct

import pytest

from media.jail.landlock import ruleset


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
