"""The void budget is a bounded allowance that begins anew after its window."""

from metering.void_budget import VoidBudget


def test_the_budget_grants_what_is_left_of_it() -> None:
    budget = VoidBudget(100, 1000)
    assert budget.take(60, now=5) == 60
    assert budget.take(60, now=6) == 40
    assert budget.take(60, now=1004) == 0


def test_the_window_begins_with_the_first_use_and_then_renews() -> None:
    budget = VoidBudget(100, 1000)
    assert budget.spent_window(now=50)
    budget.take(100, now=500)
    assert not budget.spent_window(now=1499)
    assert budget.spent_window(now=1500)
    assert budget.take(70, now=1500) == 70
    assert budget.take(70, now=2499) == 30


def test_asking_for_nothing_begins_no_window() -> None:
    budget = VoidBudget(100, 1000)
    assert budget.take(0, now=500) == 0
    assert budget.window_start_ms == 0


def test_a_window_that_was_saved_goes_on() -> None:
    budget = VoidBudget(100, 1000, used=80, window_start_ms=-300)
    assert budget.take(50, now=699) == 20
