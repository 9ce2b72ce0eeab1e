"""The speed of x264 is measured in time of our own, on something that takes work."""

import time

from media.transcode.av_speed import pixel_picoseconds


def test_a_measurement_is_of_the_order_of_real_films() -> None:
    """Ten nanoseconds a pixel on the machines of 2026: a tenth or ten times that is a mistake."""
    before_ns = time.thread_time_ns()
    assert 1_000 < pixel_picoseconds() < 100_000
    assert time.thread_time_ns() - before_ns < 500_000_000
