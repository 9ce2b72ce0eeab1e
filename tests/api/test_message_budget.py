"""How many messages may be sent."""

from api.message_budget import MessageBudget


def test_a_few_at_once_and_then_so_many_a_second() -> None:
    budget = MessageBudget(burst=3, per_second=2, now_ms=0)
    assert [budget.take(0) for _ in range(4)] == [True, True, True, False]
    assert not budget.take(499)
    assert budget.take(500)
    assert not budget.take(999)
    assert budget.take(1_000)


def test_what_is_saved_up_is_no_more_than_a_few() -> None:
    budget = MessageBudget(burst=2, per_second=2, now_ms=0)
    assert [budget.take(3_600_000) for _ in range(3)] == [True, True, False]
