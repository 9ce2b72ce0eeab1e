"""A source gets the rungs it deserves."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.ladder import encoded_rungs, why_not_passed_through
from media.wire.sps import SequenceParameterSet, SliceCoding

THIRTY = (30, 1)


def sizes(width: int, height: int, *, passed_through: bool) -> list[tuple[str, int, int]]:
    rungs = encoded_rungs(width, height, THIRTY, passed_through=passed_through)
    return [(rung.name, rung.width, rung.height) for rung in rungs]


def test_a_full_hd_source_gets_three_rungs() -> None:
    assert sizes(1920, 1080, passed_through=False) == [
        ("1080p", 1920, 1080),
        ("720p", 1280, 720),
        ("360p", 640, 360),
    ]


def test_what_is_passed_through_is_not_encoded_again() -> None:
    assert sizes(1920, 1080, passed_through=True) == [("720p", 1280, 720), ("360p", 640, 360)]
    assert sizes(1280, 720, passed_through=True) == [("360p", 640, 360)]
    assert sizes(640, 360, passed_through=True) == []


def test_a_portrait_source_gets_the_same_rungs_turned() -> None:
    assert sizes(1080, 1920, passed_through=False)[1:] == [("720p", 720, 1280), ("360p", 360, 640)]


def test_a_4k_source_is_never_encoded_above_1080() -> None:
    assert sizes(3840, 2160, passed_through=False)[0] == ("1080p", 1920, 1080)


def test_a_source_smaller_than_the_lowest_rung_gets_one_of_its_own_size() -> None:
    assert sizes(320, 240, passed_through=False) == [("240p", 320, 240)]
    assert sizes(176, 144, passed_through=True) == []


def test_a_source_between_rungs_keeps_its_own_size_on_top() -> None:
    assert sizes(854, 480, passed_through=False) == [("480p", 854, 480), ("360p", 640, 360)]


def test_near_identical_rungs_are_left_out() -> None:
    assert [name for name, _, _ in sizes(1366, 768, passed_through=False)] == ["720p", "360p"]
    assert [name for name, _, _ in sizes(1366, 768, passed_through=True)] == ["360p"]


def test_a_source_without_a_size_gets_nothing() -> None:
    assert sizes(0, 1080, passed_through=False) == []


@pytest.mark.parametrize(
    ("frame_rate", "bitrate"),
    [((30, 1), 5_000_000), ((0, 1), 5_000_000), ((60, 1), 7_500_000), ((24000, 1001), 5_000_000)],
)
def test_ceilings_grow_with_the_frame_rate(frame_rate: tuple[int, int], bitrate: int) -> None:
    top = encoded_rungs(1920, 1080, frame_rate, passed_through=False)[0]
    assert top.bitrate_max == bitrate


@given(st.integers(2, 8000), st.integers(2, 8000), st.booleans())
def test_rungs_are_even_never_larger_than_the_source_and_keep_its_shape(
    width: int, height: int, passed_through: bool
) -> None:
    rungs = encoded_rungs(width, height, THIRTY, passed_through=passed_through)
    for rung in rungs:
        assert rung.width % 2 == 0
        assert rung.height % 2 == 0
        assert rung.width <= width
        assert rung.height <= height
        assert abs(rung.width * height - rung.height * width) <= 2 * max(width, height)
    ceilings = [rung.bitrate_max for rung in rungs]
    assert ceilings == sorted(ceilings, reverse=True)
    assert len({rung.name for rung in rungs}) == len(rungs)


HIGH = SequenceParameterSet(
    profile=100,
    constraints=0,
    level=31,
    chroma_format=1,
    bit_depth=8,
    width=1280,
    height=720,
    progressive=True,
    reference_frames_max=4,
    slices=SliceCoding(number=0, frame_number_bits=4, order_type=2),
)


def test_ordinary_h264_may_be_passed_through() -> None:
    assert why_not_passed_through(HIGH) is None


@pytest.mark.parametrize(
    "sequence",
    [
        replace(HIGH, profile=110, bit_depth=10),
        replace(HIGH, chroma_format=2),
        replace(HIGH, bit_depth=10),
        replace(HIGH, profile=244),
    ],
)
def test_what_browsers_cannot_play_is_encoded(sequence: SequenceParameterSet) -> None:
    assert why_not_passed_through(sequence) is not None
