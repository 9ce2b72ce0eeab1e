"""Segments are cut near their target duration."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from media.segmenter import Segmenter

SECOND = 90_000


def cuts_of(segmenter: Segmenter, times: list[int]) -> list[int]:
    return [pts for pts in times if segmenter.cut(pts)]


def test_frames_are_cut_at_the_first_one_that_reaches_the_target() -> None:
    frames = [900_000 + n * 3003 for n in range(200)]
    cuts = cuts_of(Segmenter(2 * SECOND), frames)
    assert cuts == frames[::60]


def test_keyframes_a_little_too_close_are_each_a_cut() -> None:
    keyframes = [n * SECOND * 198 // 100 for n in range(100)]
    assert cuts_of(Segmenter.at_keyframes(2 * SECOND), keyframes) == keyframes


def test_short_groups_of_pictures_are_joined_to_a_segment() -> None:
    keyframes = [n * SECOND // 2 for n in range(13)]
    assert cuts_of(Segmenter.at_keyframes(2 * SECOND), keyframes) == [
        0, 3 * SECOND // 2, 3 * SECOND, 9 * SECOND // 2, 6 * SECOND,
    ]  # fmt: skip


@given(st.lists(st.integers(1, 3 * SECOND), min_size=1, max_size=100))
def test_no_segment_is_longer_than_its_target_and_one_step(steps: list[int]) -> None:
    times = [sum(steps[: n + 1]) for n in range(len(steps))]
    segmenter = Segmenter(2 * SECOND)
    cuts = cuts_of(segmenter, times)
    assert cuts[0] == times[0]
    for earlier, later in pairwise(cuts):
        assert 2 * SECOND <= later - earlier < 2 * SECOND + max(steps)


def test_another_publication_begins_a_segment_unless_one_has_just_begun() -> None:
    segmenter = Segmenter.at_keyframes(2 * SECOND)
    assert segmenter.cut(0)
    assert not segmenter.cut_early(SECOND // 2 - 1)
    assert segmenter.cut_early(SECOND // 2)
    assert segmenter.due == SECOND // 2 + 2 * SECOND
    assert Segmenter(SECOND).cut_early(7)
