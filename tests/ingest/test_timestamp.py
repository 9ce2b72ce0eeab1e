import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.timestamp import Unwrapper


def unwrap(*timestamps: int) -> list[int]:
    unwrapper = Unwrapper()
    return [unwrapper.unwrap(timestamp) for timestamp in timestamps]


@pytest.mark.parametrize("bits", [24, 31, 32])
def test_time_goes_on_when_the_timestamps_wrap(bits: int) -> None:
    end = 1 << bits

    assert unwrap(end - 33, 0, end - 5, 33) == [end - 33, end, end - 5, end + 33]


def test_time_goes_on_through_several_wraps() -> None:
    end = 1 << 24
    unwrapper, sent = Unwrapper(), range(end - 50_000, 3 * end, 20_000)

    assert [unwrapper.unwrap(time % end) for time in sent] == list(sent)


def test_times_may_go_back_a_little_where_audio_and_video_meet() -> None:
    assert unwrap(100, 90, 140, 130) == [100, 90, 140, 130]


def test_a_jump_that_is_no_wrap_is_passed_on() -> None:
    assert unwrap(5_000_000, 0, 40) == [5_000_000, 0, 40]
    assert unwrap(0, 3_600_000) == [0, 3_600_000]


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 20_000), max_size=40))
def test_any_wrap_of_32_bits_is_undone(start: int, steps: list[int]) -> None:
    times = list(itertools.accumulate(steps, initial=start))

    assert unwrap(*[time % 2**32 for time in times]) == times
