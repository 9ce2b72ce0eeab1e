"""Pictures are placed so that all renditions start segments together."""

from media.transcode.cuts import MeasuredCuts, NamedCuts, Placed


def named(boundaries: list[int], pictures: list[int]) -> list[Placed | None]:
    cuts = NamedCuts()
    for pts in boundaries:
        cuts.packet(pts, boundary=True)
    return [cuts.place(pts) for pts in pictures]


def test_a_named_boundary_is_a_boundary() -> None:
    assert named([0, 60], [0, 30, 60]) == [
        Placed(0, boundary=True),
        Placed(30, boundary=False),
        Placed(60, boundary=True),
    ]


def test_packets_that_name_nothing_do_not_matter() -> None:
    cuts = NamedCuts()
    cuts.packet(0, boundary=True)
    cuts.packet(30, boundary=False)
    assert cuts.place(0) == Placed(0, boundary=True)
    assert cuts.place(30) == Placed(30, boundary=False)


def test_nothing_is_shown_before_the_first_boundary() -> None:
    assert named([60], [0, 30, 60]) == [None, None, Placed(60, boundary=True)]


def test_the_next_picture_stands_in_for_a_lost_one() -> None:
    assert named([0, 60], [0, 30, 70, 80])[2:] == [
        Placed(60, boundary=True),
        Placed(80, boundary=False),
    ]


def test_a_boundary_without_any_picture_is_missed() -> None:
    assert named([0, 60, 120], [0, 130]) == [
        Placed(0, boundary=True),
        Placed(120, boundary=True),
    ]


def test_a_named_cut_leaves_out_pictures_that_do_not_come_later() -> None:
    cuts = NamedCuts()
    cuts.packet(0, boundary=True)
    assert [cuts.place(pts) for pts in (0, 0, 30, 20)] == [
        Placed(0, boundary=True),
        None,
        Placed(30, boundary=False),
        None,
    ]
    assert cuts.displaced == 2


def test_measured_boundaries_come_when_a_segment_is_full() -> None:
    cuts = MeasuredCuts(segment_ticks=60, start=None)
    cuts.packet(0, boundary=False)
    shown = [cuts.place(pts) for pts in (5, 35, 64, 66, 90)]
    assert [one.boundary for one in shown if one] == [True, False, False, True, False]


def test_pictures_before_the_start_only_serve_as_references() -> None:
    cuts = MeasuredCuts(segment_ticks=60, start=30)
    assert [cuts.place(pts) for pts in (0, 29, 30)] == [None, None, Placed(30, boundary=True)]


def test_a_measured_cut_leaves_out_pictures_that_do_not_come_later() -> None:
    cuts = MeasuredCuts(segment_ticks=60, start=None)
    assert [cuts.place(pts) is None for pts in (0, 30, 30, 10, 31)] == [
        False, False, True, True, False,
    ]  # fmt: skip
    assert cuts.displaced == 2


def test_a_measured_segment_ends_early_where_a_packet_says_so() -> None:
    cuts = MeasuredCuts(segment_ticks=60, start=None)
    cuts.packet(0, boundary=False)
    cuts.packet(30, boundary=True)  # decoded before a picture that is shown before it
    placed = [cuts.place(pts) for pts in (0, 20, 30, 40, 80, 90)]
    assert [one.pts for one in placed if one is not None and one.boundary] == [0, 30, 90]
