from config.limits import RTMP_BITRATE_WINDOW_MS
from ingest.admission import Admitted
from ingest.allowance import Allowance

SWEEP_MS = 250


def test_a_publication_without_terms_goes_on_for_ever() -> None:
    allowance = Allowance(Admitted("src"), 0, 0)

    assert allowance.exceeded(10**9, 10**12, 10**12) is None


def test_a_publication_ends_when_its_time_is_over() -> None:
    allowance = Allowance(Admitted("src", ends_ms=5_000), 0, 0)

    assert allowance.exceeded(0, 4_999, 0) is None
    assert allowance.exceeded(0, 5_000, 0) is not None


def test_a_bitrate_is_exceeded_by_what_came_within_the_window() -> None:
    """Method: 800 kbit/s are allowed: 1,000,000 bytes in ten seconds, and not one more."""
    allowance = Allowance(Admitted("src", bitrate_max=800_000), 7_000, 12_345)
    received = 12_345
    for now_ms in range(7_000, 60_000, SWEEP_MS):
        assert allowance.exceeded(now_ms, 0, received) is None, now_ms
        received += 24_000  # 768 kbit/s

    # It is as if a keyframe came all at once.
    assert allowance.exceeded(60_000, 0, received + 40_000) is None
    assert allowance.exceeded(60_000, 0, received + 90_000) == (
        "more than 800 kbit/s came in, set a lower bitrate"
    )


def test_a_burst_is_forgotten_after_the_window() -> None:
    allowance = Allowance(Admitted("src", bitrate_max=8_000), 0, 0)
    assert allowance.exceeded(0, 0, 10_000) is None
    assert allowance.exceeded(9_000, 0, 10_001) is not None

    assert allowance.exceeded(RTMP_BITRATE_WINDOW_MS + 9_000, 0, 20_000) is None
