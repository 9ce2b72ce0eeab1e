"""A worker is overloaded when it is late and does not catch up."""

from media.transcode.pressure import Pressure


def verdicts(measurements: list[tuple[int, int]]) -> list[bool]:
    pressure = Pressure(lag_ms_max=3000, patience_ms=1000)
    return [pressure.overloaded(now_ms, lag_ms) for now_ms, lag_ms in measurements]


def test_lag_within_the_limit_is_no_load() -> None:
    assert verdicts([(0, 3000), (5000, 2999), (10_000, 3000)]) == [False] * 3


def test_a_steady_lag_beyond_the_limit_is() -> None:
    assert verdicts([(0, 4000), (999, 4000), (1000, 4000)]) == [False, False, True]


def test_a_long_lag_that_shrinks_is_not() -> None:
    assert not any(verdicts([(n * 100, 20_000 - n * 20) for n in range(100)]))


def test_a_lag_that_shrinks_too_slowly_is() -> None:
    assert verdicts([(0, 9000), (1000, 8901)]) == [False, True]
    assert verdicts([(0, 9000), (1000, 8900)]) == [False, False]


def test_each_verdict_needs_patience_of_its_own() -> None:
    assert verdicts([(0, 4000), (1000, 4000), (1500, 4000), (2000, 4000)]) == [
        False, True, False, True,
    ]  # fmt: skip


def test_a_moment_within_the_limit_forgives() -> None:
    assert verdicts([(0, 4000), (900, 2000), (1000, 4000), (1900, 4000)]) == [False] * 4


def test_relief_needs_half_of_the_limit() -> None:
    pressure = Pressure(lag_ms_max=3000, patience_ms=1000)
    assert pressure.relieved(1500)
    assert not pressure.relieved(1501)
