"""A subscription through its months, on a clock that is moved by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from metering.money import Stroops
from metering.subscriptions.subscription import (
    GRACE,
    Kind,
    Look,
    Plan,
    State,
    Subscription,
    begin,
    look,
    month_end,
    next_look,
)

SILVER = Plan("silver", Stroops(100), "XLM", 3600)
GOLD = Plan("gold", Stroops(300), "XLM", 7200)
BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)


def begun(trial_days: int = 0) -> Subscription:
    return begin("sub_1", "acc_1", SILVER, BEGAN, trial_days).after


def kinds(seen: Look) -> list[Kind]:
    return [notice.kind for notice in seen.notices]


def test_the_first_month_is_paid_when_it_begins() -> None:
    seen = begin("sub_1", "acc_1", SILVER, BEGAN, 0)
    assert (seen.fee, seen.after.state, seen.after.month) == (100, State.ACTIVE, 1)
    assert seen.after.ends == datetime(2026, 2, 28, 12, tzinfo=UTC)


def test_months_end_on_the_day_they_began_on_or_on_the_last_one() -> None:
    ends = [month_end(BEGAN, months) for months in range(1, 14)]
    assert [(each.month, each.day) for each in ends[:4]] == [(2, 28), (3, 31), (4, 30), (5, 31)]
    assert ends[11:] == [
        datetime(2027, 1, 31, 12, tzinfo=UTC),
        datetime(2027, 2, 28, 12, tzinfo=UTC),
    ]
    assert month_end(BEGAN.replace(year=2028), 1).day == 29


def test_a_month_is_followed_by_one_that_is_paid_from_the_balance() -> None:
    seen = look(begun(), datetime(2026, 2, 28, 12, tzinfo=UTC), 100)
    assert (seen.fee, seen.after.month, seen.after.state) == (100, 2, State.ACTIVE)
    assert (seen.after.began.day, seen.after.ends.day) == (28, 31)
    assert kinds(seen) == [Kind.PAID]


def test_a_trial_costs_nothing_and_is_followed_by_the_first_paid_month() -> None:
    trial = begin("sub_1", "acc_1", SILVER, BEGAN, 7)
    assert (trial.fee, trial.after.state, trial.after.month) == (0, State.TRIAL, 0)
    seen = look(trial.after, BEGAN + timedelta(days=7), 100)
    assert (seen.fee, seen.after.month) == (100, 1)
    assert seen.after.ends == datetime(2026, 3, 7, 12, tzinfo=UTC)


def test_a_change_of_plan_begins_with_the_next_month() -> None:
    seen = look(replace(begun(), next_plan=GOLD), begun().ends, 300)
    assert (seen.fee, seen.after.plan) == (300, GOLD)


@pytest.mark.parametrize("trial_days", [0, 7])
def test_what_was_cancelled_ends_with_its_month_and_costs_no_more(trial_days: int) -> None:
    cancelled = replace(begun(trial_days), next_plan=None)
    before = look(cancelled, cancelled.ends - timedelta(seconds=1), 1000)
    assert before == Look(cancelled)
    seen = look(cancelled, cancelled.ends, 1000)
    assert (seen.fee, seen.after.state, seen.after.end_reason) == (0, State.ENDED, Kind.CANCELLED)


def test_a_balance_that_is_too_low_is_told_of_seven_three_and_one_days_before() -> None:
    told = []
    now = begun().began
    while now < begun().ends:
        told += [
            (notice.step, (begun().ends - now).days) for notice in look(begun(), now, 99).notices
        ]
        assert look(begun(), now, 100).notices == ()
        now = next_look(begun(), now)
    assert told == [("low-7", 7), ("low-3", 3), ("low-1", 1)]
    assert now == begun().ends


def test_a_month_that_is_not_paid_has_days_of_grace_and_reminders() -> None:
    subscription, steps = begun(), []
    for day in range(7):
        seen = look(subscription, begun().ends + timedelta(days=day), 99)
        assert (seen.fee, seen.after.state) == (0, State.GRACE)
        subscription = seen.after
        steps += [notice.step for notice in seen.notices]
    assert list(dict.fromkeys(steps)) == ["unpaid-0", "unpaid-1", "unpaid-4"]
    paid = look(subscription, begun().ends + timedelta(days=6, hours=23), 100)
    assert (paid.fee, paid.after.state, paid.after.ends) == (100, State.ACTIVE, month_end(BEGAN, 2))
    lapsed = look(subscription, begun().ends + GRACE, 99)
    assert (lapsed.fee, lapsed.after.end_reason) == (0, Kind.LAPSED)


def test_cancelling_an_unpaid_month_ends_it_at_once_and_takes_nothing() -> None:
    unpaid = look(begun(), begun().ends, 0).after
    seen = look(replace(unpaid, next_plan=None), begun().ends, 1000)
    assert (seen.fee, seen.after.end_reason) == (0, Kind.CANCELLED)


def test_nobody_pays_for_months_in_which_the_server_was_away() -> None:
    late = begun().ends + timedelta(days=100)
    seen = look(begun(), late, 1000)
    assert (seen.fee, seen.after.began, seen.after.ends) == (100, late, month_end(late, 1))
    again = look(seen.after, seen.after.ends, 1000)
    assert again.after.began == seen.after.ends


def test_a_look_that_is_due_again_at_once_comes_to_the_same() -> None:
    unpaid = look(begun(), begun().ends, 0).after
    assert look(unpaid, begun().ends, 0).after == unpaid
    assert next_look(unpaid, begun().ends) == begun().ends
