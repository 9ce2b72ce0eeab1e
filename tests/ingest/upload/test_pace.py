"""A body may be slow, but not so slow that it only keeps us busy."""

import pytest

from ingest.upload.pace import Pace
from ingest.upload.upload import BodyTooSlow


def test_a_slow_link_keeps_its_place() -> None:
    pace = Pace(window_ms=1_000, now_ms=0, bytes_min=100)

    for second in range(1, 20):
        pace.note(100, second * 1_000)


def test_each_window_has_to_bring_enough() -> None:
    pace = Pace(window_ms=1_000, now_ms=0, bytes_min=100)
    pace.note(10**9, 1_000)
    pace.note(98, 1_500)

    with pytest.raises(BodyTooSlow):
        pace.note(1, 2_000)


def test_nothing_is_said_before_a_window_is_over() -> None:
    pace = Pace(window_ms=1_000, now_ms=0, bytes_min=100)

    for millisecond in range(1, 999):
        pace.note(0, millisecond)
