from hypothesis import given
from hypothesis import strategies as st

from packager.hls.bitrate import MeasuredBitrate

SECOND = 90_000


def test_nothing_has_no_rate() -> None:
    bitrate = MeasuredBitrate(3 * SECOND)
    assert (bitrate.peak, bitrate.average) == (0, 0)


def test_the_peak_is_that_of_the_busiest_run() -> None:
    bitrate = MeasuredBitrate(3 * SECOND)
    for size in (1000, 4000, 1000):
        bitrate.add(size, 2 * SECOND)
    assert bitrate.peak == 16_000
    assert bitrate.average == 8_000


def test_a_short_segment_alone_is_no_peak() -> None:
    """Runs are at least half a target duration (RFC 8216, 4.3.4.2)."""
    bitrate = MeasuredBitrate(3 * SECOND)
    bitrate.add(1000, 2 * SECOND)
    bitrate.add(1000, SECOND // 10)
    assert bitrate.peak == -(-16_000 * 10 // 21)


def test_an_asset_shorter_than_a_run_has_its_average_as_peak() -> None:
    bitrate = MeasuredBitrate(3 * SECOND)
    bitrate.add(1000, SECOND)
    assert bitrate.peak == bitrate.average == 8000


@given(
    st.lists(
        st.tuples(st.integers(0, 10**7), st.integers(SECOND // 10, 7 * SECOND // 2)), min_size=1
    )
)
def test_the_peak_is_that_of_the_definition(segments: list[tuple[int, int]]) -> None:
    bitrate = MeasuredBitrate(3 * SECOND)
    peak = 0
    for size, duration in segments:
        bitrate.add(size, duration)
    for first in range(len(segments)):
        for last in range(first, len(segments)):
            size = sum(each[0] for each in segments[first : last + 1])
            duration = sum(each[1] for each in segments[first : last + 1])
            if 3 * SECOND // 2 <= duration <= 9 * SECOND // 2:
                peak = max(peak, -(-size * 8 * SECOND // duration))
    assert bitrate.peak == (peak or bitrate.average)
