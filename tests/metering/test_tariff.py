"""A price charges by cumulative floor: exact in total, never a stroop too much."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import PRICE_SECONDS_MAX, PRICE_STROOPS_MAX
from metering.money import BadAsset
from metering.tariff import BadPrice, Price

prices = st.builds(
    Price, st.just("XLM"), st.integers(0, PRICE_STROOPS_MAX), st.integers(1, PRICE_SECONDS_MAX)
)


def test_half_a_unit_an_hour_is_half_a_unit_after_an_hour() -> None:
    price = Price("USDC", 5_000_000, 3600)
    assert price.cost(0, 3600) == 5_000_000
    assert {price.tick(k) for k in range(3600)} == {1388, 1389}
    assert price.tick_max == 1389


def test_prices_are_kept_in_lowest_terms() -> None:
    assert Price("XLM", 7200, 3600) == Price("XLM", 2, 1)
    assert Price("XLM", 0, 3600) == Price("XLM", 0, 1)


def test_a_free_preview_costs_nothing_for_ever() -> None:
    free = Price("XLM", 0, 1)
    assert free.cost(0, 10**9) == 0
    assert free.tick_max == 0
    assert free.seconds_affordable(7, 0) is None


@pytest.mark.parametrize(
    ("stroops", "seconds"),
    [(-1, 1), (PRICE_STROOPS_MAX + 1, 1), (1, 0), (1, -5), (1, PRICE_SECONDS_MAX + 1)],
)
def test_impossible_prices_are_refused(stroops: int, seconds: int) -> None:
    with pytest.raises(BadPrice):
        Price("XLM", stroops, seconds)


def test_a_price_is_in_an_asset() -> None:
    with pytest.raises(BadAsset):
        Price("not an asset", 1, 1)


@given(prices, st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_total_is_below_the_exact_price_by_less_than_a_stroop(
    price: Price, first: int, seconds: int
) -> None:
    exact = Fraction(price.stroops, price.seconds) * seconds
    assert 0 <= exact - price.cost(0, seconds) < 1
    assert price.cost(0, first) + price.cost(first, first + seconds) == price.cost(
        0, first + seconds
    )


@given(prices, st.integers(0, 10**6))
def test_every_tick_is_the_price_of_a_second_rounded_up_or_down(price: Price, k: int) -> None:
    assert price.tick(k) in {price.stroops // price.seconds, price.tick_max}


@given(prices.filter(lambda price: price.stroops > 0), st.integers(0, 10**5), st.integers(0, 10**9))
def test_affordable_seconds_are_as_many_as_the_money_pays_for(
    price: Price, first: int, stroops: int
) -> None:
    seconds = price.seconds_affordable(first, stroops)
    assert seconds is not None
    assert price.cost(first, first + seconds) <= stroops
    assert price.cost(first, first + seconds + 1) > stroops
