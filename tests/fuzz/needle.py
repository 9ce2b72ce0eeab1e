"""A target that fails, to see that failures are found and kept."""

from tests.fuzz.target import Target


def check_needle(data: bytes) -> None:
    """Break on inputs that hold a certain byte."""
    assert b"n" not in data


NEEDLE = Target("needle", check_needle)
TARGETS = (NEEDLE,)
