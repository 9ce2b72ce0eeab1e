"""What a pass does for a session that is about to begin: it costs nothing until the pass ends."""

from dataclasses import dataclass, replace
from datetime import datetime

from metering.offer import Offer
from metering.passes.passes import Content, free_seconds
from metering.passes.store import PassStore


@dataclass(frozen=True, slots=True)
class Admitted:
    """Makes a session's offer free for who has a pass. As with subscriptions the meter knows
    nothing of that: what is left of the pass are free seconds of the session's tariff, so its
    receipt can be checked as any. They are seconds of media, which at double speed last half as
    long; who begins anew has again what is left by then.
    """

    store: PassStore

    async def offer(
        self, account: str, content: Content, offer: Offer, now: datetime
    ) -> Offer | None:
        """What a session of this account is offered for; None when it has no pass."""
        held = await self.store.good(account, content, now)
        if held is None:
            return None
        free = max(offer.tariff.free_seconds, free_seconds(held, now))
        return replace(offer, tariff=replace(offer.tariff, free_seconds=free))
