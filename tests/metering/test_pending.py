"""Pieces of media in flight are cut, shared and delivered without losing a unit."""

import pytest

from metering.pending import Pending


def spans(pending: Pending) -> list[tuple[int, int, set[int]]]:
    return [(piece.lo, piece.hi, set(piece.tickets)) for piece in pending.pieces]


def test_what_is_sent_is_in_flight_until_it_was_delivered() -> None:
    pending = Pending()
    pending.send(1, 0, 10)
    assert (pending.in_flight, pending.ready, pending.units, pending.requests) == (10, 0, 10, 1)
    pending.deliver(pending.of(1)[0])
    assert (pending.in_flight, pending.ready, pending.units, pending.requests) == (0, 10, 10, 0)
    assert pending.delivered() == pending.pieces


@pytest.mark.parametrize(
    ("lo", "hi", "expected"),
    [
        (0, 10, [(0, 10, {1, 2})]),
        (0, 4, [(0, 4, {1, 2}), (4, 10, {1})]),
        (4, 10, [(0, 4, {1}), (4, 10, {1, 2})]),
        (3, 5, [(0, 3, {1}), (3, 5, {1, 2}), (5, 10, {1})]),
        (10, 12, [(0, 10, {1})]),
        (20, 30, [(0, 10, {1})]),
    ],
)
def test_a_request_joins_what_it_overlaps(
    lo: int, hi: int, expected: list[tuple[int, int, set[int]]]
) -> None:
    pending = Pending()
    pending.send(1, 0, 10)
    pending.join(2, lo, hi)
    assert spans(pending) == expected
    assert pending.in_flight == 10


def test_delivered_media_is_joined_by_nobody() -> None:
    pending = Pending()
    pending.keep(0, 10)
    pending.join(2, 0, 10)
    pending.send(1, 10, 20)
    pending.join(2, 5, 15)
    assert spans(pending) == [(0, 10, set()), (10, 15, {1, 2}), (15, 20, {1})]


def test_joining_takes_a_piece_up_again() -> None:
    pending = Pending()
    pending.send(1, 0, 10)
    pending.pieces[0].abandoned = True
    pending.join(2, 0, 5)
    assert [piece.abandoned for piece in pending.pieces] == [False, True]


def test_units_are_taken_from_the_beginning() -> None:
    pending = Pending()
    for i in range(3):
        pending.keep(10 * i, 10 * i + 10)
    pending.take(15, pending.delivered())
    assert spans(pending) == [(15, 20, set()), (20, 30, set())]
    assert pending.ready == 15


def test_a_piece_in_flight_can_be_dropped() -> None:
    pending = Pending()
    pending.send(1, 0, 10)
    pending.send(1, 10, 20)
    pending.drop(pending.of(1)[0])
    assert (spans(pending), pending.in_flight) == ([(10, 20, {1})], 10)


def test_what_is_forgotten_is_cut_out_of_what_is_in_flight() -> None:
    pending = Pending()
    pending.keep(0, 10)
    pending.send(1, 10, 40)
    pending.forget(20, 30)
    assert [(piece.lo, piece.hi) for piece in pending.pieces] == [(0, 10), (10, 20), (30, 40)]
    assert (pending.ready, pending.in_flight) == (10, 20)
    pending.forget(0, 40)
    assert [(piece.lo, piece.hi) for piece in pending.pieces] == [(0, 10)]


def test_what_is_ready_is_one_stretch_or_it_is_not() -> None:
    pending = Pending()
    assert pending.ready_since(30) == 30
    pending.keep(10, 20)
    pending.keep(20, 30)
    assert (pending.ready_since(30), pending.ready_since(40)) == (10, None)
    pending.keep(40, 50)
    assert pending.ready_since(50) is None, "there is a hole"
    pending.clear()
    pending.send(1, 0, 10)
    assert pending.ready_since(10) is None, "it is under way"
