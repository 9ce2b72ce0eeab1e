"""How many sessions somebody may have open at once, and how to take over from one of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from api.errors import Problem
from api.tiers import Tier, Tiers
from api.wire import timestamp
from config.limits import SESSIONS_AT_ONCE_MAX
from metering.viewings import Viewing, Viewings


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Makes room for one session more, or says why there is none.

    Of one account's requests each waits for the one before, so that two at once do not both find
    the last place. (Two processes might; each of these sessions is paid for.)

    Attributes:
        tiers: which tier an account has.
        at_once: how many sessions a tier may have.
        sessions: which there are.
        close: ends one.
    """

    tiers: Tiers
    at_once: Mapping[Tier, int]
    sessions: Viewings
    close: Callable[[str], Awaitable[object]]
    _turns: WeakValueDictionary[str, asyncio.Lock] = field(
        default_factory=WeakValueDictionary, init=False
    )

    @asynccontextmanager
    async def room(self, account: str, *, replace_oldest: bool) -> AsyncIterator[None]:
        """Room for one session of others' content, which is to be opened inside.

        Raises:
            Problem: 409, with the limit and the sessions that are open, unless `replace_oldest`:
                then the oldest ones are ended.
        """
        turn = self._turns.setdefault(account, asyncio.Lock())
        async with turn:
            tier = await self.tiers.tier(account)
            limit = self.at_once[tier]
            there = await self.sessions.open_of(account, SESSIONS_AT_ONCE_MAX)
            surplus = there[: max(0, len(there) + 1 - limit)]
            if surplus and not replace_oldest:
                raise _too_many(tier, limit, there)
            for session in surplus:
                await self.close(session.id)
            yield


def _too_many(tier: Tier, limit: int, there: list[Viewing]) -> Problem:
    extra = {
        "tier": tier.value,
        "limit": limit,
        "sessions": [
            {
                "sessionId": session.id,
                "contentId": session.asset_id,
                "openedAt": timestamp(session.opened_at),
            }
            for session in there
        ],
    }
    counted = "1 session" if limit == 1 else f"{limit} sessions"
    detail = (
        f"the {tier.value} tier watches {counted} at once; stop one of them, "
        'or send "replace": "oldest" to end the oldest and watch here'
    )
    return Problem(409, "too_many_sessions", "Watching elsewhere already", detail, extra=extra)
