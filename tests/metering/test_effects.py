"""What is charged are completed seconds."""

from metering.effects import Totals


def test_parts_of_a_second_are_no_tick() -> None:
    assert Totals(0, 89_999).ticks == 0
    assert Totals(0, 90_000).ticks == 1
