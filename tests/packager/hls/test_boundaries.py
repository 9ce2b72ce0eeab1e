import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import HLS_INTERVALS_KEPT
from packager.hls.boundaries import Boundaries, target_duration_s

SECOND = 90_000


def new_boundaries() -> Boundaries:
    boundaries = Boundaries(target_duration=3)
    boundaries.begin_epoch()
    return boundaries


@pytest.mark.parametrize(
    ("segment_target_ms", "seconds"), [(500, 1), (1000, 2), (2000, 3), (4000, 7), (6000, 10)]
)
def test_the_target_duration_allows_for_late_keyframes(
    segment_target_ms: int, seconds: int
) -> None:
    """The longest regular segment is just under 1.75 targets."""
    assert target_duration_s(segment_target_ms) == seconds
    longest_ms = segment_target_ms * 7 // 4 - 1
    assert (longest_ms + 500) // 1000 <= seconds


def test_the_next_boundary_closes_the_interval_before() -> None:
    boundaries = new_boundaries()
    assert boundaries.open(10 * SECOND, 5000) == 0
    assert boundaries.interval(0) is None
    assert boundaries.open(12 * SECOND, 99_999) == 1
    interval = boundaries.interval(0)
    assert interval is not None
    assert (interval.start, interval.end) == (10 * SECOND, 12 * SECOND)
    assert boundaries.find(10 * SECOND) == 0
    assert boundaries.find(12 * SECOND) == 1
    assert boundaries.find(11 * SECOND) is None
    assert (boundaries.start(0), boundaries.start(1)) == (10 * SECOND, 12 * SECOND)
    assert boundaries.start(2) is None


def test_wall_time_follows_media_time_between_discontinuities() -> None:
    boundaries = new_boundaries()
    boundaries.open(10 * SECOND, 5000)
    boundaries.open(12 * SECOND, 99_999)
    boundaries.close(14 * SECOND)
    first, second = boundaries.interval(0), boundaries.interval(1)
    assert first is not None
    assert second is not None
    assert (first.wall_ms, second.wall_ms) == (5000, 7000)
    boundaries.begin_epoch()
    boundaries.open(14 * SECOND, 60_000)
    boundaries.close(16 * SECOND)
    third = boundaries.interval(2)
    assert third is not None
    assert third.wall_ms == 60_000


def test_wall_time_never_goes_back() -> None:
    boundaries = new_boundaries()
    boundaries.open(10 * SECOND, 5000)
    boundaries.close(12 * SECOND)
    boundaries.begin_epoch()
    boundaries.open(12 * SECOND, 1)
    boundaries.close(14 * SECOND)
    interval = boundaries.interval(1)
    assert interval is not None
    assert interval.wall_ms == 7000


def test_a_hole_is_no_part_of_an_interval_and_makes_a_discontinuity() -> None:
    boundaries = new_boundaries()
    boundaries.open(10 * SECOND, 0)
    boundaries.open(40 * SECOND, 0, media_end=11 * SECOND)
    boundaries.open(42 * SECOND, 0)
    first, second = boundaries.interval(0), boundaries.interval(1)
    assert first is not None
    assert second is not None
    assert (first.start, first.end, first.discontinuity) == (10 * SECOND, 11 * SECOND, False)
    assert (second.start, second.discontinuity, second.discontinuities) == (40 * SECOND, True, 1)
    assert boundaries.duration_total == 3 * SECOND


def test_where_media_ended_is_bounded_when_nobody_knows() -> None:
    boundaries = new_boundaries()
    boundaries.open(10 * SECOND, 0)
    boundaries.open(40 * SECOND, 0)
    interval = boundaries.interval(0)
    assert interval is not None
    assert interval.end == 13 * SECOND


def test_an_epoch_that_starts_within_the_last_picture_starts_where_it_ends() -> None:
    boundaries = new_boundaries()
    boundaries.open(10 * SECOND, 0)
    boundaries.close(12 * SECOND)
    boundaries.begin_epoch()
    assert boundaries.may_open(12 * SECOND - 1800)
    assert boundaries.open(12 * SECOND - 1800, 0) == 1
    assert boundaries.find(12 * SECOND - 1800) == 1
    assert boundaries.start(1) == 12 * SECOND
    assert not boundaries.may_open(12 * SECOND)


def test_what_lies_far_before_the_end_cannot_be_opened() -> None:
    boundaries = new_boundaries()
    boundaries.open(10 * SECOND, 0)
    assert not boundaries.may_open(10 * SECOND)
    boundaries.close(12 * SECOND)
    assert not boundaries.may_open(11 * SECOND)


def test_an_interval_that_nobody_has_is_forgotten() -> None:
    boundaries = new_boundaries()
    boundaries.open(10 * SECOND, 0)
    boundaries.close(12 * SECOND)
    boundaries.begin_epoch()
    boundaries.open(12 * SECOND, 0)
    boundaries.discard()
    boundaries.discard()
    assert boundaries.find(12 * SECOND) is None
    assert boundaries.open(15 * SECOND, 0) == 1
    boundaries.close(16 * SECOND)
    interval = boundaries.interval(1)
    assert interval is not None
    assert (interval.discontinuity, interval.discontinuities) == (True, 1)


def test_only_the_newest_are_remembered() -> None:
    boundaries = new_boundaries()
    for index in range(HLS_INTERVALS_KEPT + 10):
        boundaries.open((10 + 2 * index) * SECOND, 0)
    assert boundaries.interval(8) is None
    assert boundaries.interval(9) is not None
    assert boundaries.find(10 * SECOND) is None
    assert boundaries.duration_total == 2 * SECOND * (HLS_INTERVALS_KEPT + 9)


@given(st.lists(st.integers(1, 20 * SECOND), min_size=1, max_size=40))
def test_intervals_never_overlap_and_are_never_too_long(steps: list[int]) -> None:
    boundaries = new_boundaries()
    start = 10 * SECOND
    boundaries.open(start, 0)
    for step in steps:
        start += step
        boundaries.open(start, 0, media_end=start - step // 2)
    discontinuities, end = 0, 0
    for sequence in range(len(steps)):
        interval = boundaries.interval(sequence)
        assert interval is not None
        assert interval.start >= end
        assert interval.discontinuity == (sequence > 0 and interval.start > end)
        discontinuities += interval.discontinuity
        assert interval.discontinuities == discontinuities
        assert 0 < interval.duration <= boundaries.duration_max
        assert (interval.duration + SECOND // 2) // SECOND <= 3
        end = interval.end


def test_a_timeline_that_is_known_is_found_again_and_gone_on_with() -> None:
    """More of it than a live asset remembers."""
    first = new_boundaries()
    count = HLS_INTERVALS_KEPT + 10
    known = []
    for number in range(count):
        first.open((10 + 2 * number) * SECOND, 0)
        if number:
            newest = first.interval(number - 1)
            assert newest is not None
            known.append(newest)
    again = Boundaries(3, known)
    again.begin_epoch()
    assert again.epoch_sequence == 0
    assert again.duration_total == 2 * (count - 1) * SECOND
    for interval in known:
        assert again.find(interval.start) == interval.sequence
        assert again.interval(interval.sequence) == interval
    assert not again.may_open(known[5].start + 1)
    assert again.open(known[-1].end, 0) == count - 1
    again.close(known[-1].end + SECOND)
    following = again.interval(count - 1)
    assert following is not None
    assert not following.discontinuity
    assert again.interval(0) == known[0]
