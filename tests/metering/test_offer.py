"""What creators ask for, and what of a change is an increase."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import CAP_STROOPS_MAX
from metering.money import Stroops
from metering.offer import Offer, PassOffer, capped, is_dearer
from metering.tariff import BadPrice, Price, RungPrice, Tariff, rungs_reached
from tests.metering.test_tariff import counted, tariffs, watched

ONE = Price("XLM", 1, 1)
PLAIN = Tariff(ONE)


@given(tariffs(), st.none() | st.integers(0, 10**6))
def test_an_offer_is_read_as_it_was_written(tariff: Tariff, day_cap: int | None) -> None:
    offer = Offer(tariff, day_cap)
    assert Offer.from_document(json.loads(json.dumps(offer.to_document()))) == offer


def test_passes_are_part_of_an_offer_and_read_as_they_were_written() -> None:
    day, week = PassOffer(24, Stroops(9)), PassOffer(168, Stroops(30))
    offer = Offer(PLAIN, passes=(day, week))
    assert Offer.from_document(json.loads(json.dumps(offer.to_document()))) == offer
    assert [offer.pass_for(hours) for hours in (24, 168, 48)] == [day, week, None]
    for passes in ((week, day), (day, day), tuple(PassOffer(n, Stroops(1)) for n in range(1, 6))):
        with pytest.raises(BadPrice):
            Offer(PLAIN, passes=passes)
    for wrong in (1, [1], [{"hours": 24}], [{"hours": 24, "stroops": "9"}]):
        with pytest.raises(BadPrice):
            Offer.from_document({**Offer.of(ONE).to_document(), "passes": wrong})


def test_a_price_alone_is_an_offer() -> None:
    assert Offer.of(ONE) == Offer.of(PLAIN) == Offer.of(Offer(PLAIN)) == Offer(PLAIN, None)
    assert Offer.of(ONE).price == ONE


def test_what_was_spent_today_is_off_the_cap() -> None:
    offer = Offer(PLAIN, day_cap=1_000)
    assert offer.tariff_after(0).session_cap == 1_000
    assert offer.tariff_after(400).session_cap == 600
    assert offer.tariff_after(1_200).session_cap == 0
    assert Offer(replace(PLAIN, session_cap=50), 1_000).tariff_after(0).session_cap == 50
    assert Offer(PLAIN).tariff_after(400) == PLAIN
    assert capped(PLAIN, None) == PLAIN


@pytest.mark.parametrize("day_cap", [-1, CAP_STROOPS_MAX + 1, "1", 1.5])
def test_impossible_caps_are_refused(day_cap: Any) -> None:
    with pytest.raises(BadPrice):
        Offer.from_document({**Offer.of(ONE).to_document(), "dayCap": day_cap})


@pytest.mark.parametrize(
    ("after", "dearer"),
    [
        (Tariff(Price("XLM", 3, 2)), True),
        (Tariff(Price("XLM", 2, 3)), False),
        (replace(PLAIN, view_stroops=1), True),
        (replace(PLAIN, free_seconds=1), False),
        (replace(PLAIN, session_cap=5), False),
        (replace(PLAIN, rungs=(RungPrice(720, ONE),)), True),
        (Tariff(Price("XLM", 0, 1), rungs=(RungPrice(720, ONE),)), False),
        (Tariff(Price("XLM", 1, 2), rungs=(RungPrice(720, Price("XLM", 2, 3)),)), True),
    ],
)
def test_any_price_that_rises_makes_it_dearer(after: Tariff, dearer: bool) -> None:
    assert is_dearer(after, PLAIN) == dearer
    assert not is_dearer(after, after)


@given(tariffs(), tariffs(), watched)
def test_what_is_not_dearer_never_is_due_more_than_a_stroop_a_price_above_before(
    after: Tariff, before: Tariff, seconds: list[int]
) -> None:
    if is_dearer(after, before):
        return
    heights = [0, *(rung.height_min for rung in (*after.rungs, *before.rungs))]
    shown = [heights[each % len(heights)] for each in seconds]

    def due(tariff: Tariff) -> int:
        at = [rungs_reached(tariff.rungs, height) for height in shown]
        return tariff.due((0, ()), counted(tariff, at))

    assert due(after) <= due(before) + len(before.rungs)
