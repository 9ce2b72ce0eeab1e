"""Challenges that somebody has signed in with: each is good once, on whatever server."""

from datetime import datetime, timedelta
from typing import Protocol

from config.limits import CHALLENGE_SECONDS, SIGN_INS_SWEPT_AT_ONCE
from config.postgres import Database

# What is forgotten is refused for its time, also by a server whose clock is behind.
_KEPT_LONGER = timedelta(seconds=CHALLENGE_SECONDS)

_SPEND = """
with old as (
    delete from challenge_spent where hash in (
        select hash from challenge_spent where until < $3 limit $4 for update skip locked
    )
)
insert into challenge_spent (hash, until) values ($1, $2) on conflict do nothing returning hash
"""


class SpentStore(Protocol):
    async def spend(self, challenge: bytes, until: datetime, now: datetime) -> bool:
        """Remember the hash of a challenge; False when somebody was first.

        Args:
            until: when it is refused anyway.
        """


class MemorySpentStore:
    """Implements `SpentStore`. Lost with the process."""

    def __init__(self) -> None:
        self._spent: dict[bytes, datetime] = {}

    async def spend(self, challenge: bytes, until: datetime, now: datetime) -> bool:
        horizon = now - _KEPT_LONGER
        self._spent = {key: end for key, end in self._spent.items() if end >= horizon}
        if challenge in self._spent:
            return False
        self._spent[challenge] = until
        return True


class PostgresSpentStore:
    """Implements `SpentStore`: of two at once the second waits for the first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def spend(self, challenge: bytes, until: datetime, now: datetime) -> bool:
        first = await self._database.fetchval(
            _SPEND, challenge, until, now - _KEPT_LONGER, SIGN_INS_SWEPT_AT_ONCE
        )
        return first is not None
