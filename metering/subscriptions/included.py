"""What a subscription includes: seconds of each paid month, or of the trial, that cost nothing."""

from dataclasses import replace
from datetime import datetime

from config.limits import SUBSCRIPTION_SESSION_SECONDS_MAX
from metering.offer import Offer
from metering.subscriptions.store import SubscriptionStore
from metering.subscriptions.subscription import State, Subscription

_ROUND_SECONDS = 60


class Included:
    """Makes a session's offer cheaper for who subscribes. The meter knows nothing of that: what is
    included are the free seconds of the session's tariff, so its receipt can be checked as any.
    """

    def __init__(self, store: SubscriptionStore) -> None:
        self._store = store

    async def offer(self, account: str, session_id: str, offer: Offer, now: datetime) -> Offer:
        """What a session that is about to begin is offered for.

        Open sessions have taken what they may watch; so two side by side share what is left.
        """
        if _costs_nothing(offer):
            return offer
        kept = await self._store.current(account)
        if kept is None or not is_included(kept.subscription, now):
            return offer
        seconds = await self._left(kept.subscription)
        if not seconds:
            return offer
        await self._store.grant(session_id, kept.subscription, seconds)
        free = max(offer.tariff.free_seconds, seconds)
        return replace(offer, tariff=replace(offer.tariff, free_seconds=free))

    async def _left(self, subscription: Subscription) -> int:
        """What one more session gets: whole minutes, so that many sessions share one tariff."""
        used = await self._store.used_seconds(subscription)
        left = subscription.plan.included_seconds - used
        return min(left, SUBSCRIPTION_SESSION_SECONDS_MAX) // _ROUND_SECONDS * _ROUND_SECONDS


def is_included(subscription: Subscription, now: datetime) -> bool:
    """Whether the month under way is paid, or is a trial. In the days of grace the plan's limits
    stay, but nothing is watched of a fee that may never come: creators would go without.
    """
    is_covered = subscription.state in (State.TRIAL, State.ACTIVE)
    return is_covered and subscription.began <= now < subscription.ends


def _costs_nothing(offer: Offer) -> bool:
    tariff = offer.tariff
    return not (tariff.price.stroops or tariff.view_stroops or tariff.rungs)
