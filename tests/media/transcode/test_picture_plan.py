"""Pictures go on where an earlier worker stopped, at the pace of the media."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.pictures import Picture, PictureKind
from media.transcode.picture_plan import LIVE_PICTURES, PicturePlan, contrast, file_pictures, fitted

PLAN = PicturePlan(
    tile_ticks=100, poster_ticks=50, live=True, sheet=2, tile_due=1_000, poster_due=1_000
)
NEWEST = 5_000


def sheet(number: int, *times: int) -> Picture:
    return Picture(PictureKind.SHEET, b"", 0, 0, number, times=times)


def poster(*times: int) -> Picture:
    return Picture(PictureKind.POSTER, b"", 0, 0, times=times)


def test_a_successor_begins_a_new_sheet_after_the_last_tile() -> None:
    plan = PLAN.after(sheet(2, 1_000, 1_100)).after(poster(1_120))
    assert (plan.sheet, plan.tile_due, plan.poster_due) == (3, 1_200, 1_170)


def test_a_sheet_may_come_again_with_more_tiles() -> None:
    plan = PLAN.after(sheet(2, 1_000, 1_100))
    assert plan.why_foreign(sheet(2, 1_000, 1_100, 1_200), NEWEST) is None
    assert plan.why_foreign(sheet(3, 1_200), NEWEST) is None


@pytest.mark.parametrize(
    "picture",
    [
        poster(),
        poster(999),
        poster(NEWEST + 1),
        sheet(2),
        sheet(2, 999, 1_100),
        sheet(2, 1_000, NEWEST + 1),
        sheet(1, 800, 900),
        sheet(3, 1_000),
        sheet(0, 1_000),
    ],
)
def test_pictures_of_other_times_are_foreign(picture: Picture) -> None:
    assert PLAN.why_foreign(picture, NEWEST)


def test_pictures_of_its_own_times_are_not() -> None:
    assert PLAN.why_foreign(poster(1_000), NEWEST) is None
    assert PLAN.why_foreign(sheet(2, 1_000, NEWEST), NEWEST) is None


@pytest.mark.parametrize(("seconds", "tile_seconds"), [(0, 2), (60, 2), (400, 2), (7_200, 36)])
def test_a_file_gets_at_most_some_200_tiles(seconds: int, tile_seconds: int) -> None:
    plan = file_pictures(seconds * 90_000)
    assert plan.tile_ticks == tile_seconds * 90_000
    assert not plan.live
    assert LIVE_PICTURES.live


@pytest.mark.parametrize(
    ("width", "height", "aspect", "side_max", "size"),
    [
        (640, 360, (1, 1), 640, (640, 360)),
        (640, 360, (1, 1), 160, (160, 90)),
        (360, 640, (1, 1), 160, (90, 160)),
        (853, 480, (1, 1), 640, (640, 360)),
        (120, 67, (1, 1), 160, (120, 66)),
        (720, 576, (64, 45), 640, (640, 360)),
        (720, 576, (16, 15), 640, (640, 480)),
        (360, 288, (1, 2), 160, (100, 160)),
        (1920, 4, (1, 1), 160, (160, 2)),
    ],
)
def test_a_picture_keeps_its_shape(
    width: int, height: int, aspect: tuple[int, int], side_max: int, size: tuple[int, int]
) -> None:
    assert fitted(width, height, aspect, side_max) == size


sides = st.integers(1, 4_096)


@given(sides, sides, st.tuples(st.integers(1, 65_535), st.integers(1, 65_535)))
def test_every_picture_fits(width: int, height: int, aspect: tuple[int, int]) -> None:
    assert all(2 <= side <= 640 and side % 2 == 0 for side in fitted(width, height, aspect, 640))


@pytest.mark.parametrize(
    ("luma", "expected"),
    [
        (bytes(100), 0),
        (bytes([7]), 0),
        (bytes(96) + bytes([255]) * 4, 0),
        (bytes(50) + bytes([200]) * 50, 200),
        (bytes(range(100)), 89),
    ],
)
def test_contrast_is_not_made_by_a_few_bright_spots(luma: bytes, expected: int) -> None:
    assert contrast(luma) == expected
