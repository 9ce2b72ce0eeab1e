"""What a session costs when its price changes on the way."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from metering.tariff import Price, Tariff
from metering.terms import Terms
from tests.metering.test_tariff import counted, tariffs, watched

ONE = Price("XLM", 1, 1)


def test_a_new_tariff_charges_for_what_is_watched_since() -> None:
    before = Terms(Tariff(Price("XLM", 10, 1), view_stroops=100, free_seconds=5))
    assert before.cost(20) == 100 + 15 * 10
    after = Terms(Tariff(Price("XLM", 4, 1), view_stroops=900, free_seconds=9), 20, (), 250)
    assert after.cost(20) == 250
    assert after.cost(25) == 250 + 5 * 4  # the fee was paid, and the free seconds are over


def test_a_fee_that_was_not_due_yet_is_the_new_one() -> None:
    after = Terms(Tariff(Price("XLM", 4, 1), view_stroops=900, free_seconds=9), 7, (), 0)
    assert (after.cost(9), after.cost(10)) == (0, 904)


def test_nobody_is_paid_back_what_a_lower_cap_would_have_saved() -> None:
    after = Terms(Tariff(ONE, session_cap=100), 300, (), 250)
    assert after.cost(1_000) == 250


@given(tariffs(), tariffs(), watched, watched)
def test_what_is_charged_never_shrinks_whatever_follows_whatever(
    first: Tariff, second: Tariff, seconds: list[int], more: list[int]
) -> None:
    before = Terms.of(first)
    paid = before.cost(*counted(first, seconds))
    assert paid == first.cost(*counted(first, seconds))
    since, at_rungs = counted(second, seconds)
    after = Terms(second, since, at_rungs, paid)
    costs = [after.cost(*counted(second, seconds + more[:k])) for k in range(len(more) + 1)]
    assert costs[0] == paid
    assert list(accumulate(costs, max)) == costs
    cap = second.session_cap
    assert cap is None or costs[-1] <= max(cap, paid)


@given(tariffs(), st.integers(0, 60), st.integers(0, 3_000))
def test_affordable_seconds_are_as_many_as_the_money_pays_for(
    tariff: Tariff, watched: int, stroops: int
) -> None:
    terms = Terms.of(tariff)
    seconds = terms.seconds_affordable(watched, (), stroops)
    limit = terms.cost(watched) + stroops
    if seconds is None:
        assert terms.cost(10**9) <= limit
    else:
        assert terms.cost(watched + seconds) <= limit < terms.cost(watched + seconds + 1)


def test_who_begins_needs_what_the_first_second_costs() -> None:
    price = Price("XLM", 1, 3)
    assert Terms.of(price).entry == 1
    assert Terms.of(Tariff(price, view_stroops=50)).entry == 51
    assert Terms.of(Tariff(price, view_stroops=50, session_cap=20)).entry == 20
    assert Terms.of(Tariff(price, view_stroops=50, free_seconds=1)).entry == 0
