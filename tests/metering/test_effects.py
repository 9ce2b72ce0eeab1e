"""What is entered in the books is the difference of two totals."""

from hypothesis import given
from hypothesis import strategies as st

from metering.effects import Effects, Totals, effects
from metering.tariff import Price


def test_effects_are_what_came_in_between() -> None:
    price = Price("XLM", 10, 3)
    done = effects(price, Totals(20, 180_000), Totals(33, 540_000))
    assert done == Effects(first_tick=2, last_tick=6, amount=price.cost(2, 6), drawn=13)


def test_parts_of_a_second_are_no_tick() -> None:
    assert Totals(0, 89_999).ticks == 0
    assert Totals(0, 90_000).ticks == 1


@given(st.lists(st.integers(0, 10**7), max_size=20), st.integers(0, 10**6), st.integers(1, 999))
def test_however_often_it_is_entered_the_sum_is_the_same(
    steps: list[int], stroops: int, seconds: int
) -> None:
    price, posted, total = Price("XLM", stroops, seconds), 0, 0
    for step in steps:
        total += effects(price, Totals(0, posted), Totals(0, posted + step)).amount
        posted += step
    assert total == price.cost(0, posted // 90_000)
