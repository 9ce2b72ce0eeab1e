"""Tracks of one ladder are cut together, in whatever order their packets come."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import ALIGNMENT_BYTES_MAX, ALIGNMENT_PACKETS_MAX, ALIGNMENT_SKEW_MS_MAX
from media.transcode.alignment import DRIFTED, STOPPED, TOLERANCE, Alignment
from media.transcode.source_picture import SourcePicture
from media.units import Packet

SECOND = 90_000
SEGMENT = 2 * SECOND
FRAME = SECOND // 30
Output = dict[int, list[Packet]]


def track(
    number: int,
    seconds: int = 10,
    *,
    every: int = 60,
    delay: int = 0,
    offset: int = 0,
    rounding: int = 0,
    size: int = 10,
) -> list[SourcePicture]:
    """Thirty pictures a second of one track, in decoding order.

    Args:
        every: pictures between keyframes.
        delay: pictures by which B-frames move the decoding time.
        offset, rounding: of pts, always and at every third picture.
        size: bytes of a packet.
    """
    pictures = []
    for index in range(seconds * 30):
        within = index % every
        # Pairs swap places, as with one B-frame between references.
        swap = (1 if within % 2 else -1) if delay and 0 < within < every - 1 else 0
        pts = (index + swap + 10) * FRAME + offset + (rounding if index % 3 == 0 else 0)
        dts = (index + 10 - delay) * FRAME + offset
        packet = Packet(dts, max(pts, dts), 0, keyframe=within == 0, data=bytes(size))
        pictures.append(SourcePicture(packet, refresh=within == 0, number=number))
    return pictures


def by_time(*tracks: Sequence[SourcePicture]) -> list[SourcePicture]:
    return sorted((one for each in tracks for one in each), key=lambda one: one.packet.dts)


def run(
    alignment: Alignment, pictures: Sequence[SourcePicture], output: Output | None = None
) -> Output:
    output = {} if output is None else output
    for picture in pictures:
        for number, packet in alignment.push(picture):
            output.setdefault(number, []).append(packet)
    return output


def finish(alignment: Alignment, output: Output) -> Output:
    for number, packet in alignment.finish():
        output.setdefault(number, []).append(packet)
    return output


def boundaries(output: Output, number: int) -> list[int]:
    return [one.pts for one in output[number] if one.boundary]


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[list[list[SourcePicture]], list[SourcePicture]]:
    """Some tracks of the same pictures, and an order in which their packets may come."""
    tracks = [
        track(
            number,
            7,
            every=draw(st.sampled_from([15, 30, 45, 60])) if number == 0 else 15,
            delay=draw(st.integers(0, 3)),
            offset=draw(st.integers(-400, 400)) if number else 0,
            rounding=draw(st.integers(0, 90)),
        )
        for number in range(draw(st.integers(2, 4)))
    ]
    behind = [draw(st.integers(0, 3 * SECOND)) for _ in tracks]
    bursts = [draw(st.integers(1, 20)) for _ in tracks]
    order = [
        (each[index - index % burst].packet.dts + late, position, index)
        for position, (each, late, burst) in enumerate(zip(tracks, behind, bursts, strict=True))
        for index in range(len(each))
    ]
    return tracks, [tracks[position][index] for _, position, index in sorted(order)]


@given(interleavings())
def test_the_order_in_which_tracks_come_makes_no_difference(
    drawn: tuple[list[list[SourcePicture]], list[SourcePicture]],
) -> None:
    tracks, order = drawn
    numbers = range(len(tracks))
    one, other = Alignment(numbers, SEGMENT), Alignment(numbers, SEGMENT)
    expected = finish(one, run(one, by_time(*tracks)))
    output = finish(other, run(other, order))

    assert not other.retired
    assert output == expected
    assert len(boundaries(output, 0)) >= 3
    for number in numbers:
        packets = output[number]
        assert boundaries(output, number) == boundaries(output, 0)
        assert [each.data for each in packets] == [each.packet.data for each in tracks[number]]
        assert packets[0].boundary
        assert all(each.keyframe for each in packets if each.boundary)
        assert all(each.dts <= each.pts for each in packets)
        assert all(later.dts > earlier.dts for earlier, later in pairwise(packets))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 9 * SECOND),
            st.integers(0, SECOND),
            st.booleans(),
            st.integers(0, 40),
        ),
        max_size=120,
    )
)
def test_whatever_comes_what_goes_out_is_in_order(
    drawn: list[tuple[int, int, int, bool, int]],
) -> None:
    """Times may be nonsense; a resumption comes where the last figure is 0."""
    alignment = Alignment([0, 1, 2], SEGMENT)
    output: Output = {}
    for number, dts, offset, refresh, figure in drawn:
        packet = Packet(dts, dts + offset, 0, keyframe=refresh, data=b"x")
        run(alignment, [SourcePicture(packet, refresh, number)], output)
        if figure == 0:
            for track_number, each in alignment.resume():
                output.setdefault(track_number, []).append(each)
    finish(alignment, output)
    assert len(alignment.numbers) >= 1
    assert alignment.leader in alignment.numbers
    for packets in output.values():
        assert packets[0].keyframe
        assert all(each.keyframe for each in packets if each.boundary)
        assert all(each.dts <= each.pts for each in packets)
        assert all(later.dts > earlier.dts for earlier, later in pairwise(packets))


def test_the_default_track_never_waits_and_others_wait_from_their_keyframes_on() -> None:
    alignment = Alignment([0, 1], SEGMENT)
    leading, following = track(0, 3), track(1, 3)
    assert len(run(alignment, following[:20])) == 0
    assert [number for number, _ in alignment.push(leading[0])] == [0, *[1] * 20]
    assert len(run(alignment, leading[1:])[0]) == 89
    assert [packet.boundary for packet in run(alignment, following[20:])[1]].count(True) == 1


def test_a_keyframe_where_the_default_track_has_none_is_no_cut() -> None:
    alignment = Alignment([0, 1], SEGMENT)
    output = run(alignment, by_time(track(0), track(1, every=30)))
    assert boundaries(output, 1) == boundaries(output, 0)
    assert len([one for one in output[1] if one.keyframe]) == 10
    assert not alignment.retired


def test_the_boundary_of_a_track_that_is_stamped_otherwise_is_that_of_the_default_one() -> None:
    alignment = Alignment([0, 1], SEGMENT)
    output = run(alignment, by_time(track(0), track(1, offset=TOLERANCE)))
    assert boundaries(output, 1) == boundaries(output, 0)
    assert all(one.dts <= one.pts for one in output[1])


def test_a_track_joins_at_its_first_common_keyframe() -> None:
    alignment = Alignment([0, 1], SEGMENT)
    output = run(alignment, by_time(track(0), track(1)[25:]))
    assert boundaries(output, 1) == boundaries(output, 0)[1:]
    assert output[1][0].boundary
    assert not alignment.retired


def test_a_track_whose_keyframes_drift_is_retired_at_the_second_miss() -> None:
    alignment = Alignment([0, 1, 2], SEGMENT)
    drifting = track(1)[:60] + track(1, every=59, offset=60 * FRAME)
    output = run(alignment, by_time(track(0), drifting, track(2)))
    assert alignment.retired == {1: DRIFTED}
    assert alignment.numbers == (0, 2)
    assert boundaries(output, 2) == boundaries(output, 0)
    assert len(boundaries(output, 1)) == 2


def test_single_misses_are_forgiven() -> None:
    """Track 1 has no keyframe at every other cut."""
    alignment = Alignment([0, 1], SEGMENT)
    output = run(alignment, by_time(track(0), track(1, every=120)))
    assert not alignment.retired
    assert len(output[1]) == 300
    assert boundaries(output, 1) == boundaries(output, 0)[::2]


def test_a_track_that_stops_costs_only_itself() -> None:
    alignment = Alignment([0, 1, 2], SEGMENT)
    output = run(alignment, by_time(track(0), track(1, 3), track(2)))
    assert alignment.retired == {1: STOPPED}
    assert len(output[0]) == len(output[2]) == 300
    assert len(output[1]) == 90


def test_another_track_leads_when_the_default_one_stops() -> None:
    """It is cut where it would have been anyway, and nothing of it is lost."""
    alignment = Alignment([0, 1, 2], SEGMENT)
    tracks = track(0, 3), track(1), track(2)
    output = finish(alignment, run(alignment, by_time(*tracks)))
    assert alignment.retired == {0: STOPPED}
    assert alignment.leader == 1
    every = [one.packet.pts for one in tracks[1] if one.refresh]
    assert boundaries(output, 1) == boundaries(output, 2) == every
    assert [one.pts for one in output[2]] == [one.packet.pts for one in tracks[2]]


@pytest.mark.parametrize("size", [1, ALIGNMENT_BYTES_MAX // 60])
def test_what_is_held_is_bounded(size: int) -> None:
    """Track 1 goes on without the default track, at times that hardly grow."""
    alignment = Alignment([0, 1], SEGMENT)
    run(alignment, by_time(track(0, 1), track(1, 1)))
    count = 0
    while not alignment.retired:
        pts = 4 * SECOND + count
        packet = Packet(pts, pts, 0, keyframe=True, data=bytes(size))
        alignment.push(SourcePicture(packet, refresh=True, number=1))
        count += 1
    assert alignment.retired == {0: STOPPED}
    assert count == (ALIGNMENT_PACKETS_MAX + 1 if size == 1 else 61)


def test_a_new_publication_is_cut_at_the_first_keyframe_of_each_track() -> None:
    alignment = Alignment([0, 1], SEGMENT)
    output = run(alignment, by_time(track(0, 3), track(1, 3)))
    for number, packet in alignment.resume():
        output[number].append(packet)
    assert len(output[0]) == len(output[1]) == 90

    again = (track(0, 3, offset=3 * SECOND), track(1, 3, offset=3 * SECOND))
    run(alignment, by_time(again[0][5:], again[1]), output)
    assert boundaries(output, 0) == boundaries(output, 1)
    assert boundaries(output, 0)[-1] == again[0][60].packet.pts
    # What comes before it cannot be decoded, or is not there in all tracks.
    assert len(output[0]) == len(output[1]) == 90 + 30


def test_a_new_publication_is_not_cut_where_a_segment_has_only_just_begun() -> None:
    alignment = Alignment([0, 1], SEGMENT)
    before = (track(0, 3)[:70], track(1, 3)[:70])
    output = run(alignment, by_time(*before))
    assert alignment.resume() == []
    run(alignment, by_time(*(track(number, 3, offset=70 * FRAME) for number in (0, 1))), output)
    assert boundaries(output, 0) == boundaries(output, 1)
    assert len(boundaries(output, 0)) == 3
    assert len(output[0]) == len(output[1]) == 70 + 90


def test_what_is_undecided_can_go_on_elsewhere() -> None:
    alignment = Alignment([0, 1], SEGMENT)
    run(alignment, by_time(track(0, 2), track(1, 3)))
    undecided = alignment.take_undecided()
    assert [one.number for one in undecided] == [1] * 30
    assert undecided[0].refresh
    assert alignment.finish() == []


def test_tracks_that_are_not_in_the_ladder_are_left_alone() -> None:
    alignment = Alignment([0, 1], SEGMENT)
    assert run(alignment, track(7)) == {}
    skew = ALIGNMENT_SKEW_MS_MAX // 1000 + 1
    run(alignment, by_time(track(0, 2 + skew), track(1, 1)))
    assert run(alignment, track(1, 9)) == {}
