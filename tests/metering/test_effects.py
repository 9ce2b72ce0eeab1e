"""What is entered in the books is the difference of two totals."""

from hypothesis import given
from hypothesis import strategies as st

from metering.effects import Effects, Totals, effects
from metering.money import Stroops
from metering.tariff import Price


def test_effects_are_what_came_in_between() -> None:
    done = effects(Totals(20, 180_000, Stroops(6)), Totals(33, 540_000, Stroops(20), (3,)))
    assert done == Effects(first_tick=2, last_tick=6, amount=Stroops(14), drawn=13)


def test_parts_of_a_second_are_no_tick() -> None:
    assert Totals(0, 89_999).ticks == 0
    assert Totals(0, 90_000).ticks == 1


@given(st.lists(st.integers(0, 10**7), max_size=20), st.integers(0, 10**6), st.integers(1, 999))
def test_however_often_it_is_entered_the_sum_is_the_same(
    steps: list[int], stroops: int, seconds: int
) -> None:
    price, total, before = Price("XLM", stroops, seconds), 0, Totals()
    for step in steps:
        posted = before.posted + step
        after = Totals(0, posted, price.cost(0, posted // 90_000))
        total += effects(before, after).amount
        before = after
    assert total == price.cost(0, before.posted // 90_000)
