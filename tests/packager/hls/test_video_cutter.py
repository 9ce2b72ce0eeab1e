"""Rows of packets read as `(pts in hundredths of a second, flags)`; flag b is a boundary."""

from media.units import Packet
from packager.hls.boundaries import Boundaries
from packager.hls.cut import Cut
from packager.hls.irregularities import Irregularities, Irregularity
from packager.hls.video_cutter import VideoCutter

HUNDREDTH = 900


class Row:
    """One or more cutters on the same boundaries."""

    def __init__(self, cutters: int = 1) -> None:
        self.boundaries = Boundaries(target_duration=3)
        self.boundaries.begin_epoch()
        self.seen = Irregularities()
        self.cutters = [VideoCutter(self.boundaries, self.seen) for _ in range(cutters)]
        self.cuts: list[list[Cut]] = [[] for _ in range(cutters)]

    def push(self, *times: int, boundary: bool = False, at: int = 0, size: int = 10) -> None:
        for time in times:
            packet = Packet(
                time * HUNDREDTH, time * HUNDREDTH, 0, boundary, bytes(size), boundary=boundary
            )
            self.cuts[at] += self.cutters[at].push(packet, 0)

    def group(self, start: int, stop: int, at: int = 0) -> None:
        """A boundary, then a packet every 10 hundredths."""
        self.push(start, boundary=True, at=at)
        self.push(*range(start + 10, stop, 10), at=at)

    def finish(self, end: int) -> None:
        self.boundaries.close(end * HUNDREDTH)
        for at, cutter in enumerate(self.cutters):
            self.cuts[at] += cutter.finish()

    def contents(self, at: int = 0) -> list[tuple[int, list[int], int]]:
        """(sequence, times, end) of what was cut."""
        return [
            (
                cut.sequence,
                [packet.pts // HUNDREDTH for packet in cut.packets],
                cut.end_dts // HUNDREDTH,
            )
            for cut in self.cuts[at]
        ]

    def irregularities(self) -> dict[Irregularity, int]:
        return self.seen.counts()


def every_ten(start: int, stop: int) -> list[int]:
    return list(range(start, stop, 10))


def test_a_segment_is_cut_when_the_next_boundary_comes() -> None:
    row = Row()
    row.group(1000, 1200)
    assert row.cuts == [[]]
    row.group(1200, 1400)
    assert row.contents() == [(0, every_ten(1000, 1200), 1200)]
    row.finish(1400)
    assert row.contents()[1] == (1, every_ten(1200, 1400), 1400)
    assert row.irregularities() == {}


def test_packets_before_the_first_boundary_are_in_no_segment() -> None:
    row = Row()
    row.push(980, 990)
    row.group(1000, 1200)
    row.group(1200, 1210)
    assert row.contents() == [(0, every_ten(1000, 1200), 1200)]
    assert row.irregularities() == {Irregularity.BEFORE_BOUNDARY: 2}


def test_a_boundary_that_comes_again_starts_its_segment_anew() -> None:
    row = Row()
    row.group(1000, 1150)
    row.group(1000, 1200)
    row.group(1200, 1210)
    assert row.contents() == [(0, every_ten(1000, 1200), 1200)]
    assert row.irregularities() == {Irregularity.RESTARTED: 15}


def test_a_complete_segment_that_comes_again_is_skipped() -> None:
    row = Row()
    row.group(1000, 1200)
    row.group(1200, 1300)
    row.group(1000, 1200)
    row.group(1200, 1400)
    row.group(1400, 1410)
    assert row.contents() == [
        (0, every_ten(1000, 1200), 1200),
        (1, every_ten(1200, 1400), 1400),
    ]
    assert row.irregularities() == {Irregularity.REPLAYED: 30}


def test_a_replay_that_ends_within_a_segment_cut_by_force_goes_on_there() -> None:
    """1000 is complete up to 1300, where no keyframe is; the replay comes from 1000."""
    row = Row()
    row.push(1000, boundary=True)
    row.push(*range(1010, 1350, 10))
    row.group(1000, 1500)
    row.group(1500, 1510)
    assert [sequence for sequence, _, _ in row.contents()] == [0, 1]
    assert row.contents()[1] == (1, every_ten(1300, 1500), 1500)


def test_all_renditions_are_cut_alike() -> None:
    row = Row(cutters=2)
    row.group(1000, 1200)
    row.group(1200, 1400)
    row.group(1400, 1410)
    row.group(1000, 1200, at=1)
    row.group(1200, 1400, at=1)
    row.group(1400, 1410, at=1)
    assert row.contents(0) == row.contents(1)


def test_a_missed_boundary_is_cut_without_a_keyframe() -> None:
    row = Row(cutters=2)
    row.group(1000, 1200)
    row.group(1200, 1400)
    row.group(1400, 1410)
    row.group(1000, 1400, at=1)
    row.group(1400, 1410, at=1)
    assert row.contents(0) == row.contents(1)
    assert [cut.packets[0].keyframe for cut in row.cuts[1]] == [True, False]
    assert row.irregularities() == {Irregularity.MISSED_BOUNDARY: 1}


def test_a_boundary_that_others_name_later_still_cuts_what_is_open() -> None:
    """The first rendition is ahead and missed 1200; the second says it."""
    row = Row(cutters=2)
    row.group(1000, 1260)
    row.group(1000, 1200, at=1)
    row.group(1200, 1250, at=1)
    row.push(*range(1260, 1400, 10))
    row.group(1400, 1410)
    assert row.contents(0) == [
        (0, every_ten(1000, 1200), 1200),
        (1, every_ten(1200, 1400), 1400),
    ]


def test_a_boundary_too_late_for_the_others_is_an_ordinary_packet() -> None:
    row = Row(cutters=2)
    row.group(1000, 1250)
    row.group(1250, 1400)
    row.group(1000, 1200, at=1)
    row.group(1200, 1250, at=1)
    row.group(1250, 1260, at=1)
    assert row.contents(1) == [(0, every_ten(1000, 1250), 1250)]
    assert row.irregularities() == {Irregularity.UNKNOWN_BOUNDARY: 1}


def test_a_segment_without_end_is_cut_at_the_target_duration() -> None:
    row = Row()
    row.group(1000, 1750)
    assert row.contents() == [
        (0, every_ten(1000, 1300), 1300),
        (1, every_ten(1300, 1600), 1600),
    ]
    assert row.irregularities() == {Irregularity.FORCED_BOUNDARY: 2}


def test_a_hole_is_no_part_of_the_segment_before_it() -> None:
    row = Row()
    row.group(1000, 1100)
    row.group(4000, 4200)
    row.group(4200, 4210)
    assert row.contents()[:2] == [
        (0, every_ten(1000, 1100), 1100),
        (1, every_ten(4000, 4200), 4200),
    ]
    interval = row.boundaries.interval(0)
    assert interval is not None
    assert interval.end == 1100 * HUNDREDTH


def test_packets_out_of_order_are_left_out() -> None:
    row = Row()
    row.push(1000, boundary=True)
    row.push(1010, 1010, 1005, 1020)
    row.group(1030, 1040)
    assert row.contents() == [(0, [1000, 1010, 1020], 1030)]
    assert row.irregularities() == {Irregularity.OUT_OF_ORDER: 2}


def test_a_segment_of_too_many_bytes_is_missing() -> None:
    row = Row()
    row.push(1000, boundary=True)
    row.push(1010, 1020, 1030, size=12 * 1024 * 1024)
    row.push(1040)
    row.group(1200, 1400)
    row.group(1400, 1410)
    assert row.contents() == [(1, every_ten(1200, 1400), 1400)]
    assert row.irregularities() == {Irregularity.SEGMENT_TOO_LARGE: 5}


def test_a_last_segment_that_stops_short_is_missing() -> None:
    row = Row(cutters=2)
    row.group(1000, 1200)
    row.group(1000, 1100, at=1)
    row.finish(1200)
    assert row.contents(0) == [(0, every_ten(1000, 1200), 1200)]
    assert row.contents(1) == []
    assert row.irregularities() == {Irregularity.SEGMENT_UNFINISHED: 10}


def test_where_media_ends_is_only_said_of_the_newest_interval() -> None:
    row = Row(cutters=2)
    row.group(1000, 1200)
    row.group(1000, 1100, at=1)
    row.group(1200, 1300)
    assert row.cutters[0].newest_media_end() == 1300 * HUNDREDTH
    assert row.cutters[1].newest_media_end() is None


def test_a_rendition_that_fell_behind_what_is_remembered_has_lost_its_segment() -> None:
    row = Row(cutters=2)
    row.group(1000, 1030, at=1)
    for start in range(1000, 1000 + 200 * 1030, 200):
        row.push(start, boundary=True)
    row.push(1000 + 200 * 1029, boundary=True, at=1)
    assert row.contents(1) == []
    assert row.irregularities() == {Irregularity.OUTSIDE_SEGMENT: 3}
