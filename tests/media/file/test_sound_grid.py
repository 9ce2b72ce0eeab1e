"""Copied sound has no holes and never leaves its pictures."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from media.file.sound_grid import GridPlace, SoundGrid
from media.timeline import TIMELINE_START
from media.units import VIDEO_TIMESCALE
from media.wire.aac import FRAME_SAMPLES

RATE = 48_000
START = TIMELINE_START * RATE // VIDEO_TIMESCALE


def ticks(samples: int) -> int:
    return TIMELINE_START + samples * VIDEO_TIMESCALE // RATE


def test_frames_follow_each_other_although_their_stamps_wander() -> None:
    grid = SoundGrid(RATE)
    placed = [grid.place(ticks(n * FRAME_SAMPLES + (n * 7 % 5 - 2) * 48)) for n in range(20)]
    assert [one.silent for one in placed] == [0] * 20
    times = [one.dts for one in placed if one.dts is not None]
    assert {later - one for one, later in pairwise(times)} == {FRAME_SAMPLES}


def test_a_hole_is_filled_and_what_overlaps_is_left_out() -> None:
    grid = SoundGrid(RATE)
    assert grid.place(ticks(0)) == GridPlace(0, START)
    assert grid.place(ticks(5 * FRAME_SAMPLES)) == GridPlace(4, START + 5 * FRAME_SAMPLES)
    assert grid.place(ticks(2 * FRAME_SAMPLES)).dts is None
    assert grid.place(ticks(6 * FRAME_SAMPLES)) == GridPlace(0, START + 6 * FRAME_SAMPLES)
    assert grid.rest(ticks(10 * FRAME_SAMPLES)) == 3


def test_priming_comes_before_the_start_and_late_sound_after_silence() -> None:
    assert SoundGrid(RATE).place(ticks(-FRAME_SAMPLES)) == GridPlace(0, START - FRAME_SAMPLES)
    late = SoundGrid(RATE).place(ticks(10 * FRAME_SAMPLES + 96))
    assert late == GridPlace(10, START + 10 * FRAME_SAMPLES + 96)


@given(st.lists(st.integers(-(10**6), 10**7), max_size=40))
def test_every_frame_is_within_40_ms_of_its_stamp(stamps: list[int]) -> None:
    grid, end = SoundGrid(RATE), None
    for stamp in stamps:
        place = grid.place(ticks(stamp))
        if place.dts is None:
            continue
        assert abs(place.dts - START - stamp) <= RATE * 40 // 1000
        assert end is None or place.dts == end + place.silent * FRAME_SAMPLES
        end = place.dts + FRAME_SAMPLES
