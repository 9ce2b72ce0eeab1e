"""Pictures that show nothing new are told from those that show a little."""

import pytest

from config.limits import REPEAT_PACKETS_MAX
from media.transcode.repeats import Repeats, coded_bytes

PIXELS = 1920 * 1080
STILL = bytes(range(200)) * 5


def seen(afar: bytes = STILL) -> Repeats:
    """Somebody who has seen one picture encoded."""
    repeats = Repeats()
    assert not repeats.is_same(afar, candidate=True)
    repeats.encoded()
    return repeats


@pytest.mark.parametrize(("size", "expected"), [(80, True), (2_000, True), (3_000, False)])
def test_a_small_packet_makes_a_candidate(size: int, expected: bool) -> None:
    repeats = Repeats()
    repeats.packet(7, size)
    assert repeats.is_candidate(7, PIXELS) is expected
    assert not repeats.is_candidate(8, PIXELS)
    assert not repeats.is_candidate(None, PIXELS)


def test_packets_whose_pictures_never_come_are_forgotten() -> None:
    repeats = Repeats()
    for pts in range(REPEAT_PACKETS_MAX + 1):
        repeats.packet(pts, 1)
    assert not repeats.is_candidate(0, PIXELS)
    assert repeats.is_candidate(1, PIXELS)


def changed(*changes: tuple[int, int]) -> bytes:
    """The still picture with these samples moved by so much."""
    afar = bytearray(STILL)
    for place, change in changes:
        afar[place] += change
    return bytes(afar)


@pytest.mark.parametrize(
    "afar",
    [STILL, changed((5, 1)), changed((5, 1), (9, -1)), changed(*((n, 1) for n in range(20)))],
)
def test_the_same_picture_with_roundings_is_a_repeat(afar: bytes) -> None:
    assert seen().is_same(afar, candidate=True)


@pytest.mark.parametrize(
    "afar", [changed((5, 2)), changed((5, -2)), changed(*((n, 1) for n in range(21))), STILL[1:]]
)
def test_a_picture_with_something_new_is_not(afar: bytes) -> None:
    repeats = seen()
    assert not repeats.is_same(afar, candidate=True)
    repeats.encoded()
    assert repeats.is_same(afar, candidate=True)


def test_changes_add_up() -> None:
    """Each picture is compared with the one that viewers see, not with the one before."""
    repeats = seen()
    assert repeats.is_same(changed((5, 1)), candidate=True)
    assert not repeats.is_same(changed((5, 2)), candidate=True)


def test_a_picture_with_much_to_say_is_no_repeat_but_others_repeat_it() -> None:
    repeats = seen()
    assert not repeats.is_same(STILL, candidate=False)
    repeats.encoded()
    assert repeats.is_same(STILL, candidate=True)


def test_nothing_repeats_a_picture_that_was_not_looked_at() -> None:
    repeats = seen()
    assert not repeats.is_same(None, candidate=True)
    repeats.encoded()
    assert not repeats.is_same(STILL, candidate=True)


def unit(kind: int, size: int) -> bytes:
    return size.to_bytes(4, "big") + bytes([kind]) + bytes(size - 1)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (unit(0x41, 90), 90),
        (unit(6, 10) + unit(0x41, 90), 100),
        (unit(0x41, 90) + unit(12, 20_000), 90),
        (unit(0x41, 90) + bytes(4), 90),
        (b"\xff" * 9, 9),
        (b"", 0),
    ],
)
def test_padding_does_not_count(data: bytes, expected: int) -> None:
    assert coded_bytes(data) == expected
