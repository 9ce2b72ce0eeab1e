"""Only pictures that can be shown are taken from a worker."""

from dataclasses import replace

import pytest

from config.limits import PICTURE_BYTES_MAX, PICTURE_SIDE_MAX
from media.pictures import Picture, PictureKind, why_unfit

JPEG = b"\xff\xd8 coefficients \xff\xd9"
POSTER = Picture(PictureKind.POSTER, JPEG, 640, 360, times=(900_000,))
SHEET = Picture(
    PictureKind.SHEET, JPEG, 800, 180, 3, 5, 160, 90, times=tuple(range(0, 6_000, 1_000))
)


@pytest.mark.parametrize(
    "picture",
    [
        POSTER,
        replace(POSTER, times=()),
        SHEET,
        replace(SHEET, times=(0,), height=90),
        replace(SHEET, width=450, height=320, tile_width=90, tile_height=160),
    ],
)
def test_posters_and_sheets_fit(picture: Picture) -> None:
    assert why_unfit(picture) is None


@pytest.mark.parametrize(
    "picture",
    [
        replace(POSTER, data=b"<html>"),
        replace(POSTER, data=JPEG[:-1]),
        replace(POSTER, data=b"\xff\xd8" + bytes(PICTURE_BYTES_MAX) + b"\xff\xd9"),
        replace(POSTER, width=0),
        replace(POSTER, height=PICTURE_SIDE_MAX + 1),
        replace(POSTER, times=(2, 2)),
        replace(SHEET, times=()),
        replace(SHEET, times=tuple(range(26)), height=540),
        replace(SHEET, times=(2, 1)),
        replace(SHEET, columns=0),
        replace(SHEET, columns=6),
        replace(SHEET, tile_width=0),
        replace(SHEET, tile_height=91),
    ],
)
def test_others_do_not(picture: Picture) -> None:
    assert why_unfit(picture)
