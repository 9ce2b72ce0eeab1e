"""Pictures go on where an earlier worker stopped, at the pace of the media."""

import pytest

from media.pictures import Picture, PictureKind
from media.transcode.picture_plan import LIVE_PICTURES, PicturePlan, file_pictures

PLAN = PicturePlan(
    tile_ticks=100, poster_ticks=50, one_poster=False, sheet=2, tile_due=1_000, poster_due=1_000
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
    assert plan.one_poster
    assert not LIVE_PICTURES.one_poster
