"""Lanes of better pictures: what is new in each, when it is charged, and what becomes of it."""

from metering.intervals import Intervals
from metering.rules import UNITS_PER_SECOND as SECOND
from metering.rungs import Rungs
from metering.tariff import Price, RungPrice

ONE = Price("XLM", 1, 1)
PRICES = (RungPrice(720, ONE), RungPrice(1080, ONE))
NOTHING = Intervals()


def seconds(rungs: Rungs, lo: int, hi: int, height: int, ticket: int = 1) -> Rungs:
    """Pictures of a height go out, from one second to another."""
    rungs.send(ticket, height, lo * SECOND, hi * SECOND)
    return rungs


def unposted(lo: int, hi: int) -> Intervals:
    return Intervals([(lo * SECOND, hi * SECOND)])


def test_the_best_pictures_are_in_every_lane_and_sound_is_in_none() -> None:
    rungs = seconds(Rungs(PRICES), 0, 4, 1080)
    assert rungs.asked == (4, 4)
    assert seconds(rungs, 4, 6, 719, ticket=2).asked == (4, 4)
    assert seconds(rungs, 4, 6, 720, ticket=3).asked == (6, 4)
    assert not rungs.is_new(1080, 0, 4 * SECOND)
    assert rungs.is_new(1080, 3 * SECOND, 5 * SECOND)
    assert not rungs.is_new(0, 0, 100 * SECOND)
    assert rungs.asked_with(1080, 3 * SECOND, 8 * SECOND) == (8, 8)
    assert (rungs.fragments, rungs.in_flight) == (1, 10 * SECOND)


def test_what_is_charged_beneath_and_has_arrived_is_charged() -> None:
    rungs = seconds(Rungs(PRICES), 0, 4, 720)
    assert rungs.span_of(1) == (0, 4 * SECOND)
    rungs.post(0, 1 * SECOND)
    assert rungs.posted == (0, 0)
    rungs.finish(1, unposted=unposted(1, 4))
    assert (rungs.posted, rungs.span_of(1)) == ((1, 0), None)
    rungs.post(1 * SECOND, 3 * SECOND)
    assert rungs.posted == (3, 0)


def test_what_was_charged_before_is_charged_as_it_arrives_better_and_once() -> None:
    rungs = seconds(Rungs(PRICES), 0, 4, 1080)
    rungs.finish(1, unposted=NOTHING)
    assert rungs.posted == (4, 4)
    assert not rungs.is_new(1080, 0, 4 * SECOND)


def test_an_aborted_body_costs_nothing_unless_another_one_brings_the_same() -> None:
    rungs = seconds(Rungs(PRICES), 0, 4, 1080)
    seconds(rungs, 2, 4, 720, ticket=2)
    rungs.break_off(1, arrives=False, unposted=NOTHING)
    assert rungs.asked == (2, 0)
    rungs.finish(2, unposted=NOTHING)
    assert rungs.posted == (2, 0)


def test_what_is_voided_beneath_is_voided_in_every_lane() -> None:
    rungs = seconds(Rungs(PRICES), 0, 2, 1080)
    rungs.finish(1, unposted=unposted(0, 2))
    seconds(rungs, 2, 6, 1080, ticket=2)
    rungs.remove(1 * SECOND, 3 * SECOND)
    assert rungs.asked == (4, 4)
    rungs.finish(2, unposted=unposted(0, 6))
    rungs.post(0, 6 * SECOND)
    assert rungs.posted == (4, 4)


def test_lanes_are_read_as_they_were_saved_without_what_was_under_way() -> None:
    rungs = seconds(Rungs(PRICES), 0, 2, 1080)
    rungs.finish(1, unposted=NOTHING)
    again = Rungs(PRICES, seconds(rungs, 2, 6, 720, ticket=2).snapshot())
    assert (again.posted, again.asked, again.in_flight) == ((2, 2), (2, 2), 0)
    rungs.close(arrive=False)
    assert (rungs.asked, rungs.in_flight) == ((2, 2), 0)


def test_other_rungs_know_what_was_had_at_a_height_or_above() -> None:
    rungs = seconds(Rungs(PRICES), 0, 2, 1080)
    rungs.finish(1, unposted=NOTHING)
    seconds(rungs, 2, 6, 720, ticket=2).finish(2, unposted=NOTHING)
    heights = (480, 720, 900, 2160)
    others = [RungPrice(height, ONE) for height in heights]
    assert Rungs(others, rungs.under(others)).posted == (6, 6, 2, 0)
