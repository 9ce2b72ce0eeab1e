import re
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from media.pictures import PictureKind
from packager.archive_record import PictureRecord
from packager.hls.storyboard import render_storyboard
from packager.interval import Interval

SECOND = 90_000
START_S = 10


def interval(sequence: int, start_s: float, end_s: float) -> Interval:
    start, end = round(start_s * SECOND), round(end_s * SECOND)
    return Interval(sequence, 0, start, end, 0, False, 0)


def sheet(number: int, *seconds: float) -> PictureRecord:
    times = tuple(round(second * SECOND) for second in seconds)
    return PictureRecord(PictureKind.SHEET, number, 2, 160, 90, times, "")


def cues(storyboard: bytes | None) -> list[tuple[float, float, str]]:
    assert storyboard is not None
    head, *blocks = storyboard.decode().split("\n\n")
    assert head == "WEBVTT"
    found = []
    for block in blocks:
        times, reference = block.strip().split("\n")
        digits = re.fullmatch(r"(\d\d):(\d\d):(\d\d\.\d{3}) --> (\d\d):(\d\d):(\d\d\.\d{3})", times)
        assert digits is not None
        h, m, s, h2, m2, s2 = map(float, digits.groups())
        found.append((h * 3600 + m * 60 + s, h2 * 3600 + m2 * 60 + s2, reference))
    return found


def test_each_tile_is_shown_until_the_next_one() -> None:
    intervals = [interval(n, 10 + 2 * n, 12 + 2 * n) for n in range(4)]
    found = cues(render_storyboard([sheet(1, 16), sheet(0, 10.04, 12, 14)], intervals))
    assert found == [
        (0, 2, "storyboard-0.jpg#xywh=0,0,160,90"),
        (2, 4, "storyboard-0.jpg#xywh=160,0,160,90"),
        (4, 6, "storyboard-0.jpg#xywh=0,90,160,90"),
        (6, 8, "storyboard-1.jpg#xywh=0,0,160,90"),
    ]


def test_holes_in_time_are_not_played() -> None:
    """A tile of a moment in a hole stands where playback goes on; one of before all nowhere."""
    intervals = [interval(0, 10, 12), interval(1, 40, 42)]
    found = cues(render_storyboard([sheet(0, 9, 11, 20, 41)], intervals))
    assert [start for start, _, _ in found] == [0, 2, 3]
    assert found[0][2].endswith("#xywh=160,0,160,90")


def test_what_is_not_complete_yet_has_no_tile() -> None:
    assert cues(render_storyboard([sheet(0, 10, 12, 14)], [interval(0, 10, 12)])) == [
        (0, 2, "storyboard-0.jpg#xywh=0,0,160,90")
    ]


def test_there_is_no_storyboard_without_a_tile() -> None:
    poster = PictureRecord(PictureKind.POSTER, 0, 1, 0, 0, (10 * SECOND,), "")
    assert render_storyboard([poster], [interval(0, 10, 12)]) is None
    assert render_storyboard([sheet(0, 12)], [interval(0, 10, 12)]) is None
    assert render_storyboard([sheet(0, 12)], []) is None


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 300)), min_size=1, max_size=8),
    st.lists(st.integers(0, 4000), min_size=1, max_size=30, unique=True),
)
def test_cues_cover_all_that_is_played(
    spans: Sequence[tuple[int, int]], tenths: Sequence[int]
) -> None:
    intervals, end = [], START_S * 10
    for number, (hole, length) in enumerate(spans):
        intervals.append(interval(number, (end + hole) / 10, (end + hole + length) / 10))
        end += hole + length
    storyboard = render_storyboard([sheet(0, *(t / 10 for t in sorted(tenths)))], intervals)
    if storyboard is None:
        assert min(tenths) >= end
        return
    found = cues(storyboard)
    assert found[0][0] == 0
    assert found[-1][1] == sum(length for _, length in spans) / 10
    assert all(before[1] == after[0] for before, after in pairwise(found))
    assert all(start < end for start, end, _ in found)
