from packager.hls.boundaries import Boundaries
from packager.hls.grid import open_on_grid

SECOND = 90_000


def opened(*starts: int) -> list[tuple[int, int]]:
    """The closed intervals after frames that start at these hundredths of a second."""
    boundaries = Boundaries(3)
    boundaries.begin_epoch()
    end = None
    for start in starts:
        open_on_grid(boundaries, start * SECOND // 100, end, 2 * SECOND, 0)
        end = (start + 2) * SECOND // 100
    assert boundaries.open_sequence is not None, "the last one is still open"
    found = [boundaries.interval(sequence) for sequence in range(boundaries.open_sequence)]
    return [
        (each.start * 100 // SECOND, each.end * 100 // SECOND) for each in found if each is not None
    ]


def test_intervals_follow_each_other_evenly() -> None:
    assert opened(*range(1000, 1601, 2)) == [(1000, 1200), (1200, 1400), (1400, 1600)]


def test_the_grid_does_not_drift_with_the_frames() -> None:
    assert opened(*range(1000, 1700, 3)) == [(1000, 1200), (1200, 1400), (1400, 1600)]


def test_after_a_hole_the_grid_starts_anew() -> None:
    assert opened(1000, 1098, 2050, 2149, 2251) == [(1000, 1100), (2050, 2250)]


def test_frames_from_before_the_end_of_the_last_epoch_open_nothing() -> None:
    boundaries = Boundaries(3)
    boundaries.begin_epoch()
    boundaries.open(10 * SECOND, 0)
    boundaries.close(12 * SECOND)
    boundaries.begin_epoch()
    open_on_grid(boundaries, 11 * SECOND, None, 2 * SECOND, 0)
    assert boundaries.open_start is None
