from hypothesis import given
from hypothesis import strategies as st

from packager.hls.boundaries import Boundaries
from packager.hls.playlist_terms import PlaylistTerms
from packager.hls.window import Window

SECOND = 90_000


def shown(window: Window) -> list[tuple[int, bool]]:
    return [(each.interval.sequence, each.gap) for each in window.shown()]


def push(window: Window, boundaries: Boundaries, sequence: int) -> None:
    interval = boundaries.interval(sequence)
    assert interval is not None
    window.push(interval, independent=True)


def even_boundaries(count: int, step: int = 2 * SECOND) -> Boundaries:
    boundaries = Boundaries(target_duration=3)
    boundaries.begin_epoch()
    for index in range(count + 1):
        boundaries.open(10 * SECOND + index * step, 0)
    return boundaries


def test_the_window_slides_when_it_is_full() -> None:
    boundaries = even_boundaries(10)
    window = Window("720p", boundaries, PlaylistTerms(3, 6))
    assert window.newest == -1
    for sequence in range(8):
        push(window, boundaries, sequence)
    assert shown(window) == [(sequence, False) for sequence in range(2, 8)]
    assert (window.newest, window.slid) == (7, True)


def test_the_window_is_at_least_three_target_durations() -> None:
    boundaries = even_boundaries(20, step=SECOND)
    window = Window("720p", boundaries, PlaylistTerms(3, 2))
    for sequence in range(20):
        push(window, boundaries, sequence)
    assert len(window.shown()) == 9


def test_what_a_rendition_missed_is_a_gap() -> None:
    boundaries = even_boundaries(10)
    window = Window("720p", boundaries, PlaylistTerms(3, 6))
    for sequence in (2, 3, 6):
        push(window, boundaries, sequence)
    assert shown(window) == [(2, False), (3, False), (4, True), (5, True), (6, False)]


@given(
    st.lists(st.tuples(st.integers(SECOND // 10, 3 * SECOND), st.booleans()), max_size=60),
    st.integers(1, 8),
)
def test_the_first_sequence_number_never_falls_and_none_is_left_out(
    segments: list[tuple[int, bool]], size: int
) -> None:
    boundaries = Boundaries(target_duration=3)
    boundaries.begin_epoch()
    start = 10 * SECOND
    boundaries.open(start, 0)
    window = Window("720p", boundaries, PlaylistTerms(3, size))
    first = 0
    for sequence, (duration, complete) in enumerate(segments):
        start += duration
        boundaries.open(start, 0)
        if not complete:
            continue
        push(window, boundaries, sequence)
        numbers = [number for number, _ in shown(window)]
        assert numbers[0] >= first
        assert numbers == list(range(numbers[0], sequence + 1))
        first = numbers[0]
        total = sum(each.interval.duration for each in window.shown())
        assert len(numbers) <= size or total - window.shown()[0].interval.duration < 9 * SECOND
