"""A source gets the best preset that its share of the machine affords."""

import pytest

from media.ladder import encoded_rungs
from media.transcode.preset import LIVE_PRESETS, live_preset

COMMON_CORE = 10_000
FULL_HD, HD, SD = (1920, 1080), (1280, 720), (640, 360)


def chosen(
    size: tuple[int, int], cores: int, *, speed: int = COMMON_CORE, rate: tuple[int, int] = (30, 1)
) -> str:
    rungs = encoded_rungs(*size, rate, passed_through=False)
    return live_preset(rungs, rate, pixel_picoseconds=speed, share_millicores=1000 * cores)


@pytest.mark.parametrize(
    ("size", "cores", "expected"),
    [
        (FULL_HD, 1, "ultrafast"),
        (FULL_HD, 2, "superfast"),
        (FULL_HD, 4, "superfast"),
        (FULL_HD, 16, "superfast"),
        (HD, 1, "superfast"),
        (HD, 2, "superfast"),
        (HD, 4, "veryfast"),
        (SD, 1, "superfast"),
        (SD, 4, "veryfast"),
    ],
)
def test_what_common_cores_afford(size: tuple[int, int], cores: int, expected: str) -> None:
    assert chosen(size, cores) == expected


@pytest.mark.parametrize(
    ("speed", "expected"),
    [(5_000, "veryfast"), (10_000, "superfast"), (16_000, "ultrafast"), (40_000, "ultrafast")],
)
def test_a_faster_core_affords_more(speed: int, expected: str) -> None:
    assert chosen(FULL_HD, 8, speed=speed) == expected


def test_twice_the_pictures_cost_twice_as_much_and_an_unknown_rate_is_30() -> None:
    assert chosen(FULL_HD, 2, rate=(60, 1)) == "ultrafast"
    assert chosen(FULL_HD, 2, rate=(0, 1)) == chosen(FULL_HD, 2)


def test_more_of_the_machine_is_never_worse() -> None:
    for size in (FULL_HD, HD, SD):
        ranks = [LIVE_PRESETS.index(chosen(size, cores)) for cores in range(1, 33)]
        assert ranks == sorted(ranks)


def test_nothing_to_encode_fits_anywhere() -> None:
    assert live_preset((), (30, 1), pixel_picoseconds=1, share_millicores=1) == "superfast"
