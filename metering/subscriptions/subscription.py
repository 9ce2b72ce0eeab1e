"""The life of a subscription: paid in advance, month by month, until it is cancelled or not paid.

    trial --month ends--> active <--paid-- grace --too long--> ended
                            |  \\--not paid-->/
                            \\--cancelled, month ends--> ended

A month ends on the day of the month and at the time at which the first one began, or on the month's
last day where it has no such day. What is owed is taken from the balance when a month begins. If
there is too little, everything stays as it is for the days of grace and each look tries again: a
deposit is enough. What is not paid by then has cost nothing, and ends.

Pure: a look at one subscription says what becomes of it, what is to be paid and what its owner is
to be told. Nothing is told twice, since each notice has a place of its own in the month.
"""

import calendar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from config.limits import SUBSCRIPTION_GRACE_DAYS, SUBSCRIPTION_REMINDER_DAYS
from metering.money import Stroops

GRACE = timedelta(days=SUBSCRIPTION_GRACE_DAYS)
_NOTHING = Stroops(0)
# Days before a month ends at which it is looked whether the next one can be paid, and days after
# it began at which is told that it was not.
BEFORE_DAYS = (7, 3, 1)
AFTER_DAYS = SUBSCRIPTION_REMINDER_DAYS


class State(StrEnum):
    TRIAL = "trial"
    ACTIVE = "active"
    GRACE = "grace"
    ENDED = "ended"


class Kind(StrEnum):
    """What an owner is told."""

    RUNNING_LOW = "running_low"  # the balance does not cover the next month
    PAID = "paid"
    UNPAID = "unpaid"
    CANCELLED = "cancelled"  # the last month is over
    LAPSED = "lapsed"  # the days of grace are over


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sold.

    Attributes:
        name: `bronze`, `silver` or `gold`.
        fee: stroops of `asset` a month.
        included_seconds: of media a month that cost nothing by the second.
    """

    name: str
    fee: Stroops
    asset: str
    included_seconds: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """One account's subscription.

    Attributes:
        plan: what the month under way is.
        next_plan: what the next one will be; None when it ends with this one.
        anchor: when its months began to be counted: the first one, or the trial.
        month: its number; the trial is 0.
        began, ends: of the month under way.
    """

    id: str
    account: str
    plan: Plan
    next_plan: Plan | None
    anchor: datetime
    month: int
    began: datetime
    ends: datetime
    state: State
    end_reason: Kind | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell. Of a month each `step` is told once."""

    month: int
    step: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Look:
    """What a look came to.

    Attributes:
        after: the subscription from now on.
        fee: stroops to take from the balance with it, for `after.month`; 0 for none.
    """

    after: Subscription
    fee: Stroops = _NOTHING
    notices: tuple[Notice, ...] = ()


def month_end(anchor: datetime, months: int) -> datetime:
    """When the month with this number, counted from 1 at `anchor`, ends."""
    index = anchor.year * 12 + anchor.month - 1 + months
    year, month = index // 12, index % 12 + 1
    day = min(anchor.day, calendar.monthrange(year, month)[1])
    return anchor.replace(year=year, month=month, day=day)


def begin(id_: str, account: str, plan: Plan, now: datetime, trial_days: int) -> Look:
    """A new subscription. Without a trial its first fee is due with it."""
    if trial_days:
        ends = now + timedelta(days=trial_days)
        # Its paid months are counted from the end of the trial.
        return Look(Subscription(id_, account, plan, plan, ends, 0, now, ends, State.TRIAL))
    subscription = Subscription(
        id_, account, plan, plan, now, 1, now, month_end(now, 1), State.ACTIVE
    )
    return Look(subscription, plan.fee, (Notice(1, "paid", Kind.PAID),))


def look(subscription: Subscription, now: datetime, balance: int) -> Look:
    """What time and money made of it.

    Args:
        balance: stroops that its owner can spend.
    """
    assert subscription.state is not State.ENDED, "it is looked at no more"
    if subscription.state is State.GRACE:
        return _look_in_grace(subscription, now, balance)
    if now < subscription.ends:
        return Look(subscription, notices=_warnings(subscription, now, balance))
    if subscription.next_plan is None:
        return _ended(subscription, Kind.CANCELLED)
    return _next_month(subscription, subscription.next_plan, now, balance)


def next_look(subscription: Subscription, now: datetime) -> datetime:
    """When a look after this one may come to something, unless money comes before."""
    if subscription.state is State.GRACE:
        return now
    checks = [subscription.ends - timedelta(days=days) for days in BEFORE_DAYS]
    return min(moment for moment in (*checks, subscription.ends) if moment > now)


def _next_month(subscription: Subscription, plan: Plan, now: datetime, balance: int) -> Look:
    anchor, month = subscription.anchor, subscription.month + 1
    began = subscription.ends
    if now - began > GRACE:
        # The server was away. Nobody pays for weeks in which there was nothing to watch.
        began, anchor, month_of_anchor = now, now, 1
    else:
        month_of_anchor = _months(anchor, began) + 1
    next_ = replace(
        subscription,
        plan=plan,
        anchor=anchor,
        month=month,
        began=began,
        ends=month_end(anchor, month_of_anchor),
        state=State.GRACE,
    )
    return _look_in_grace(next_, now, balance)


def _look_in_grace(subscription: Subscription, now: datetime, balance: int) -> Look:
    """Pay if that can be; end it if that took too long."""
    month, fee = subscription.month, subscription.plan.fee
    if balance >= fee and subscription.next_plan is not None:
        paid = replace(subscription, state=State.ACTIVE)
        return Look(paid, fee, (Notice(month, "paid", Kind.PAID),))
    if subscription.next_plan is None:
        return _ended(subscription, Kind.CANCELLED)
    if now - subscription.began >= GRACE:
        return _ended(subscription, Kind.LAPSED)
    days = (now - subscription.began).days
    told = tuple(
        Notice(month, f"unpaid-{after}", Kind.UNPAID) for after in AFTER_DAYS if days >= after
    )
    return Look(subscription, notices=told[-1:])


def _warnings(subscription: Subscription, now: datetime, balance: int) -> tuple[Notice, ...]:
    """Whether the next month can be paid, as of the last of the days at which that is asked."""
    plan = subscription.next_plan
    if plan is None or balance >= plan.fee:
        return ()
    days = [each for each in BEFORE_DAYS if now >= subscription.ends - timedelta(days=each)]
    return tuple(Notice(subscription.month, f"low-{each}", Kind.RUNNING_LOW) for each in days[-1:])


def _ended(subscription: Subscription, reason: Kind) -> Look:
    after = replace(subscription, state=State.ENDED, next_plan=None, end_reason=reason)
    return Look(after, notices=(Notice(subscription.month, reason.value, reason),))


def _months(anchor: datetime, end: datetime) -> int:
    """How many whole months lie between the anchor and the end of one of them."""
    return (end.year - anchor.year) * 12 + end.month - anchor.month
