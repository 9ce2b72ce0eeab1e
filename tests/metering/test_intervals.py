"""Intervals behave like the sets of integers that they stand for."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from metering.intervals import Intervals

_edges = st.integers(0, 40)
_spans = st.tuples(_edges, st.integers(1, 12)).map(lambda span: (span[0], span[0] + span[1]))
_steps = st.lists(st.tuples(st.booleans(), _spans), max_size=30)


def _made(steps: list[tuple[bool, tuple[int, int]]]) -> tuple[Intervals, set[int]]:
    intervals, integers = Intervals(), set[int]()
    for adding, (lo, hi) in steps:
        if adding:
            intervals.add(lo, hi)
            integers |= set(range(lo, hi))
        else:
            intervals.remove(lo, hi)
            integers -= set(range(lo, hi))
    return intervals, integers


def _integers(pairs: list[tuple[int, int]]) -> set[int]:
    return {i for lo, hi in pairs for i in range(lo, hi)}


@given(_steps)
def test_adding_and_removing_is_union_and_difference(
    steps: list[tuple[bool, tuple[int, int]]],
) -> None:
    intervals, integers = _made(steps)
    assert _integers(list(intervals)) == integers
    assert intervals.measure == len(integers)


@given(_steps)
def test_intervals_stay_sorted_and_never_touch(steps: list[tuple[bool, tuple[int, int]]]) -> None:
    pairs = list(_made(steps)[0])
    assert all(lo < hi for lo, hi in pairs)
    assert all(left[1] < right[0] for left, right in pairwise(pairs))


@given(_steps, _spans)
def test_gaps_are_what_is_not_covered(
    steps: list[tuple[bool, tuple[int, int]]], span: tuple[int, int]
) -> None:
    intervals, integers = _made(steps)
    gaps = intervals.gaps(*span)
    assert _integers(gaps) == set(range(*span)) - integers
    assert gaps == sorted(gaps)


def test_a_run_of_segments_is_one_interval() -> None:
    intervals = Intervals((i * 180_000, (i + 1) * 180_000) for i in range(1000))
    assert list(intervals) == [(0, 180_000_000)]
    assert len(intervals) == 1
    assert Intervals(intervals).measure == 180_000_000


def test_nothing_is_missing_of_nothing() -> None:
    assert Intervals().gaps(5, 5) == []
