"""A price charges by cumulative floor: exact in total, never a stroop too much."""

import json
import re
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import CAP_STROOPS_MAX, PRICE_SECONDS_MAX, PRICE_STROOPS_MAX, RUNGS_MAX
from metering.money import BadAsset
from metering.tariff import BadPrice, Price, RungPrice, Tariff, rungs_reached

ONE = Price("XLM", 1, 1)

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


# --- tariffs --------------------------------------------------------------------------------------


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    """Tariffs of every kind, with numbers small enough that every part of one matters."""
    price = st.builds(Price, st.just("XLM"), st.integers(0, 50), st.integers(1, 7))
    heights = draw(st.lists(st.integers(1, 2_160), max_size=RUNGS_MAX, unique=True))
    return Tariff(
        price=draw(price),
        view_stroops=draw(st.integers(0, 100)),
        free_seconds=draw(st.integers(0, 20)),
        session_cap=draw(st.none() | st.integers(0, 500)),
        rungs=tuple(RungPrice(height, draw(price)) for height in sorted(heights)),
    )


# How much more is watched, step by step: at which of the rungs is each second.
watched = st.lists(st.integers(0, RUNGS_MAX), max_size=60)


def counted(tariff: Tariff, rungs_of_seconds: list[int]) -> tuple[int, tuple[int, ...]]:
    """Seconds in all, and at each rung or a better one."""
    places = range(1, len(tariff.rungs) + 1)
    return len(rungs_of_seconds), tuple(
        sum(rung >= place for rung in rungs_of_seconds) for place in places
    )


def test_a_film_may_cost_something_to_begin_and_more_in_better_pictures() -> None:
    tariff = Tariff(
        price=Price("XLM", 60, 60),
        view_stroops=500,
        free_seconds=10,
        session_cap=1_000,
        rungs=(RungPrice(720, Price("XLM", 2, 1)), RungPrice(1080, Price("XLM", 3, 1))),
    )
    assert tariff.cost(10) == 0
    assert tariff.cost(11) == 500 + 1
    assert tariff.cost(40) == 500 + 30
    assert tariff.cost(40, (20,)) == 500 + 30 + 20
    assert tariff.cost(40, (20, 20)) == 500 + 30 + 20 + 30
    assert tariff.cost(10_000, (10_000, 10_000)) == 1_000
    assert [rungs_reached(tariff.rungs, height) for height in (0, 719, 720, 1079, 1080)] == [
        0,
        0,
        1,
        1,
        2,
    ]


@given(tariffs(), watched)
def test_what_is_watched_costs_never_less_than_before_and_never_more_than_the_cap(
    tariff: Tariff, seconds: list[int]
) -> None:
    costs = [tariff.cost(*counted(tariff, seconds[:k])) for k in range(len(seconds) + 1)]
    assert costs == sorted(costs)
    assert costs[0] == 0
    assert tariff.session_cap is None or costs[-1] <= tariff.session_cap


@given(tariffs(), watched, st.randoms(use_true_random=False))
def test_the_order_in_which_rungs_are_watched_is_irrelevant(
    tariff: Tariff, seconds: list[int], random: Random
) -> None:
    shuffled = list(seconds)
    random.shuffle(shuffled)
    assert tariff.cost(*counted(tariff, seconds)) == tariff.cost(*counted(tariff, shuffled))


@given(tariffs(), watched)
def test_a_part_of_a_stroop_is_the_viewers(tariff: Tariff, seconds: list[int]) -> None:
    total, at_rungs = counted(tariff, seconds)
    chargeable = max(0, total - tariff.free_seconds)
    prices = [(tariff.price, chargeable)] + [
        (rung.price, max(0, at - tariff.free_seconds))
        for rung, at in zip(tariff.rungs, at_rungs, strict=True)
    ]
    exact = Fraction(tariff.view_stroops if chargeable else 0)
    exact += sum(Fraction(price.stroops * n, price.seconds) for price, n in prices)
    charged = tariff.due((0, ()), (total, at_rungs))
    assert 0 <= exact - charged < len(prices)


@given(tariffs())
def test_a_tariff_is_named_after_its_content(tariff: Tariff) -> None:
    again = Tariff.from_document(json.loads(json.dumps(tariff.to_document())))
    assert again == tariff
    assert again.id == tariff.id
    assert replace(tariff, view_stroops=tariff.view_stroops + 1).id != tariff.id
    assert re.fullmatch("epc_[a-z2-7]{26}", tariff.id)


def test_a_price_alone_is_a_plain_tariff() -> None:
    plain = Tariff(Price("XLM", 1, 1))
    assert plain.is_plain
    assert not replace(plain, session_cap=0).is_plain
    assert not replace(plain, free_seconds=1).is_plain
    assert not replace(plain, view_stroops=1).is_plain
    assert not replace(plain, rungs=(RungPrice(720, plain.price),)).is_plain


@pytest.mark.parametrize(
    "wrong",
    [
        {"view_stroops": -1},
        {"view_stroops": PRICE_STROOPS_MAX + 1},
        {"free_seconds": -1},
        {"session_cap": -1},
        {"session_cap": CAP_STROOPS_MAX + 1},
        {"rungs": (RungPrice(720, ONE), RungPrice(720, ONE))},
        {"rungs": (RungPrice(1080, ONE), RungPrice(720, ONE))},
        {"rungs": (RungPrice(720, Price("EUR", 1, 1)),)},
        {"rungs": tuple(RungPrice(height, ONE) for height in range(1, RUNGS_MAX + 2))},
    ],
)
def test_impossible_tariffs_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadPrice):
        Tariff(price=ONE, **wrong)
    with pytest.raises(BadPrice):
        RungPrice(0, ONE)


@pytest.mark.parametrize(
    "wrong", [{"viewStroops": 1.0}, {"asset": "not one"}, {"price": {}}, {"rungs": [{}]}]
)
def test_what_is_no_tariff_is_not_read_as_one(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadPrice):
        Tariff.from_document({**Tariff(ONE).to_document(), **wrong})
