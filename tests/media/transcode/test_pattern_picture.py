"""The demo's picture loops and moves."""

import pytest

from media.transcode.pattern_picture import Painter


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (64, 36), (16, 16)])
def test_planes_have_the_size_of_a_420_picture(width: int, height: int) -> None:
    luma, *chroma = Painter(width, height).paint(0.3)
    assert len(luma) == width * height
    assert [len(plane) for plane in chroma] == [width * height // 4] * 2


def test_the_loop_has_no_seam() -> None:
    painter = Painter(320, 180)
    assert painter.paint(0.0) == painter.paint(1.0)


def test_every_picture_differs_from_the_one_before() -> None:
    painter = Painter(320, 180)
    pictures = [painter.paint(number / 240) for number in range(240)]
    assert len(set(pictures)) == 240


def test_all_values_are_in_the_limited_range() -> None:
    for plane in Painter(320, 180).paint(0.5):
        assert min(plane) >= 16
        assert max(plane) <= 240
