"""Posters and sheets show what the source shows, in its colours and at its place."""

import io
from collections.abc import Callable
from fractions import Fraction

import av
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from media.pictures import Picture, PictureKind, why_unfit
from media.transcode.av_pictures import PictureMaker
from media.transcode.picture_plan import PicturePlan

Rgb = tuple[int, int, int]
RED, GREEN, BLUE, WHITE, GREY, BLACK = (
    (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (128, 128, 128), (0, 0, 0)
)  # fmt: skip
TILE, POSTER = 100, 1_000
LIVE = PicturePlan(TILE, POSTER, live=True)
FILE = PicturePlan(TILE, TILE, live=False)


def painted(
    left: Rgb,
    right: Rgb,
    size: tuple[int, int] = (640, 360),
    matrix: Colorspace = Colorspace.ITU709,
    color_range: ColorRange = ColorRange.MPEG,
) -> VideoFrame:
    """A picture of two halves, as a decoder gives it."""
    width, height = size
    rgb = VideoFrame(width, height, "rgb24")
    row = bytes(left) * (width // 2) + bytes(right) * (width - width // 2)
    row += bytes(rgb.planes[0].line_size - len(row))
    rgb.planes[0].update(row * height)
    frame = rgb.reformat(format="yuv420p", dst_colorspace=matrix, dst_color_range=color_range)
    frame.colorspace, frame.color_range = matrix, color_range
    frame.pts, frame.time_base = 7, Fraction(1, 90_000)
    return frame


def decoded(picture: Picture) -> Callable[[int, int], Rgb]:
    """Its colours by place, as a browser sees them: JPEG is BT.601 in the full range."""
    with av.open(io.BytesIO(picture.data), mode="r", format="jpeg_pipe") as container:
        frame = next(container.decode(video=0))
    assert (frame.width, frame.height) == (picture.width, picture.height)
    rgb = frame.reformat(
        format="rgb24", src_colorspace=Colorspace.ITU601, src_color_range=ColorRange.JPEG
    )
    plane = rgb.planes[0]
    data = bytes(plane)

    def at(x: int, y: int) -> Rgb:
        place = y * plane.line_size + 3 * x
        red, green, blue = data[place : place + 3]
        return red, green, blue

    return at


def near(one: Rgb, other: Rgb) -> bool:
    return all(abs(mine - theirs) <= 6 for mine, theirs in zip(one, other, strict=True))


def maker(plan: PicturePlan, **settings: tuple[int, int]) -> tuple[PictureMaker, list[Picture]]:
    made: list[Picture] = []
    return PictureMaker(plan, made.append, **settings), made


@pytest.mark.parametrize("matrix", [Colorspace.ITU709, Colorspace.ITU601])
@pytest.mark.parametrize("color_range", [ColorRange.MPEG, ColorRange.JPEG])
def test_a_poster_has_the_colours_of_the_source(
    matrix: Colorspace, color_range: ColorRange
) -> None:
    making, (made) = maker(LIVE)
    colours = [RED, GREEN, BLUE, WHITE, GREY, BLACK]
    for number, (left, right) in enumerate(zip(colours, reversed(colours), strict=True)):
        frame = painted(left, right, matrix=matrix, color_range=color_range)
        making.take(frame, number * POSTER)
        at = decoded([one for one in made if one.kind is PictureKind.POSTER][-1])
        assert near(at(100, 180), left)
        assert near(at(540, 180), right)


def test_the_frame_is_left_as_it_was() -> None:
    frame = painted(RED, BLUE)
    before = [bytes(plane) for plane in frame.planes]
    making, _ = maker(LIVE)
    making.take(frame, 0)
    assert [bytes(plane) for plane in frame.planes] == before
    assert (frame.pts, frame.width) == (7, 640)
    assert frame.time_base == Fraction(1, 90_000)
    assert (frame.colorspace, frame.color_range) == (Colorspace.ITU709, ColorRange.MPEG)


@pytest.mark.parametrize(
    ("size", "aspect", "poster", "tile"),
    [
        ((640, 360), (1, 1), (640, 360), (160, 90)),
        ((202, 360), (1, 1), (202, 360), (88, 160)),
        ((720, 576), (64, 45), (640, 360), (160, 90)),
        ((64, 36), (1, 1), (64, 36), (64, 36)),
        ((854, 480), (1, 1), (640, 358), (160, 88)),
    ],
)
def test_every_shape_fits(
    size: tuple[int, int], aspect: tuple[int, int], poster: tuple[int, int], tile: tuple[int, int]
) -> None:
    making, made = maker(LIVE, aspect=aspect)
    making.take(painted(RED, BLUE, size), 0)
    making.finish()
    first, sheet = made
    assert (first.width, first.height) == poster
    assert (sheet.tile_width, sheet.tile_height) == tile
    assert (sheet.width, sheet.height) == (5 * tile[0], tile[1])
    assert not any(why_unfit(one) for one in made)
    assert near(decoded(sheet)(tile[0] // 4, tile[1] // 2), RED)


def test_tiles_lie_in_rows_and_are_sent_a_row_at_a_time_when_live() -> None:
    making, made = maker(LIVE)
    shades = [(8 * number, 255 - 8 * number, 60) for number in range(27)]
    for number, shade in enumerate(shades):
        making.take(painted(shade, shade, (160, 90)), number * TILE)
        making.take(painted(RED, RED, (160, 90)), number * TILE + TILE - 1)
    making.finish()
    making.finish()
    sheets = [one for one in made if one.kind is PictureKind.SHEET]
    assert [(one.number, len(one.times), one.height) for one in sheets] == [
        (0, 5, 90), (0, 10, 180), (0, 15, 270), (0, 20, 360), (0, 25, 450), (1, 2, 90)
    ]  # fmt: skip
    assert sheets[-2].times == tuple(number * TILE for number in range(25))
    full, last = decoded(sheets[-2]), decoded(sheets[-1])
    for number, shade in enumerate(shades[:25]):
        row, column = divmod(number, 5)
        assert near(full(160 * column + 80, 90 * row + 45), shade)
    assert near(last(240, 45), shades[26])
    assert near(last(400, 45), BLACK)


def test_a_file_is_spared_a_black_poster_and_gets_whole_sheets() -> None:
    making, made = maker(FILE)
    dim: Rgb = (20, 20, 20)
    halves = [(BLACK, BLACK), (BLACK, dim), (BLACK, BLACK), (GREY, WHITE), (BLACK, WHITE)]
    for number, (left, right) in enumerate(halves):
        making.take(painted(left, right), number * TILE)
    posters = [one for one in made if one.kind is PictureKind.POSTER]
    assert made == posters
    assert [one.times for one in posters] == [(0,), (TILE,), (3 * TILE,)]
    assert near(decoded(posters[-1])(540, 180), WHITE)
    making.finish()
    assert made[-1].times == tuple(number * TILE for number in range(5))


def test_numbers_and_times_go_on_as_planned() -> None:
    plan = PicturePlan(TILE, POSTER, live=True, sheet=6, tile_due=500, poster_due=700)
    making, made = maker(plan)
    for pts in range(0, 1_000, 50):
        making.take(painted(RED, BLUE, (160, 90)), pts)
    making.finish()
    assert [(one.kind, one.number, one.times) for one in made] == [
        (PictureKind.POSTER, 0, (700,)),
        (PictureKind.SHEET, 6, (500, 600, 700, 800, 900)),
    ]
