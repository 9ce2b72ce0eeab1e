"""Which pictures are encoded, and which are shown again."""

from collections.abc import Sequence

from media.file.showing import Showing
from media.timeline import TIMELINE_START
from media.transcode.cuts import Cuts, MeasuredCuts, NamedCuts, Placed
from media.units import VIDEO_TIMESCALE

SECOND = VIDEO_TIMESCALE
SEGMENT = 2 * SECOND
FRAME = SECOND // 25
START = TIMELINE_START


def measured() -> MeasuredCuts:
    return MeasuredCuts(SEGMENT, None)


def named(*seconds: float) -> NamedCuts:
    cuts = NamedCuts()
    for second in seconds:
        cuts.packet(START + int(second * SECOND), boundary=True)
    return cuts


def show(
    cuts: Cuts, pictures: Sequence[tuple[float, bool]], end: float, *, stride: int = 1
) -> list[tuple[float, bool]]:
    """Pictures of (second, is the same); what is encoded of them, as (second, boundary)."""
    showing = Showing(cuts, SEGMENT, stride=stride)
    placed: list[Placed | None] = []
    for second, same in pictures:
        pts = START + round(second * SECOND)
        placed += showing.again_before(pts)
        placed.append(showing.next(pts, same=same))
    placed += showing.rest(START + round(end * SECOND), FRAME)
    return [((one.pts - START) / SECOND, one.boundary) for one in placed if one is not None]


def test_every_picture_of_a_moving_film_is_encoded_once() -> None:
    shown = show(measured(), [(n / 25, False) for n in range(110)], 4.4)
    assert [second for second, _ in shown] == [n / 25 for n in range(110)]
    assert [second for second, boundary in shown if boundary] == [0, 2, 4]


def test_a_picture_that_is_the_same_is_left_out_but_for_segments_and_the_end() -> None:
    shown = show(measured(), [(n / 25, n > 0) for n in range(110)], 4.4)
    assert shown == [(0, True), (2, True), (4, True), (109 / 25, False)]


def test_slides_are_shown_again_so_that_segments_can_be_cut() -> None:
    shown = show(measured(), [(0, False), (5, False)], 8)
    assert shown == [(0, True), (2, True), (4, True), (5, False), (6, True), (7.96, False)]


def test_pictures_come_to_segments_that_an_earlier_pass_left() -> None:
    pictures = [(n / 10, n % 3 > 0) for n in range(50)]
    first = [second for second, boundary in show(measured(), pictures, 5) if boundary]
    again = show(named(*first), pictures, 5)
    assert [second for second, boundary in again if boundary] == first


def test_a_segment_whose_picture_is_lost_begins_with_the_next_one_at_its_time() -> None:
    shown = show(named(0, 2), [(0, False), (1.96, False), (2.04, False)], 2.08)
    assert shown[2] == (2, True)


def test_sound_that_begins_earlier_is_not_played_to_nothing() -> None:
    shown = show(measured(), [(3, False), (3.04, False)], 3.08)
    assert shown == [(0, True), (2, True), (3.04, False)]


def test_the_last_picture_stands_until_the_sound_ends() -> None:
    shown = show(measured(), [(0, False), (0.04, False)], 3)
    assert shown == [(0, True), (0.04, False), (2, True), (2.96, False)]


def test_of_120_pictures_a_second_every_other_is_encoded() -> None:
    shown = show(measured(), [(n / 120, False) for n in range(240)], 2, stride=2)
    assert len(shown) == 120


def test_times_that_go_back_are_left_out() -> None:
    shown = show(measured(), [(0, False), (0.2, False), (0.1, False), (0.3, False)], 0.34)
    assert [second for second, _ in shown] == [0, 0.2, 0.3]
