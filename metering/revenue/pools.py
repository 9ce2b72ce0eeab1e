"""Divides the fees of a calendar month's subscriptions once their last month is over."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

import structlog

from config.limits import POOLS_AT_ONCE, SUBSCRIPTION_GRACE_DAYS
from config.postgres import Connection, Database
from metering.ledger.ledger import Transfer
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.revenue.scaled_user_prop import divide, in_stroops
from metering.shares.splits import payee_account, platform_account
from metering.subscriptions.store import pool_account

log = structlog.get_logger(__name__)

WHOLE = 10_000  # basis points

# All who may still pay for a month that began in the pool's calendar month have done so, and all of
# these months are over.
_RIPE = """
SELECT pool, asset, sum(fee)::bigint AS fees, count(*)::integer AS subscribers
FROM subscription_month AS month
WHERE NOT EXISTS (SELECT FROM pool_division WHERE pool_division.pool = month.pool)
GROUP BY pool, asset
HAVING max(ends) <= $1
    AND date_trunc('month', max(began), 'UTC') + interval '1 month'
        <= $1 - make_interval(days => $2)
ORDER BY pool LIMIT $3
"""

_WATCHED = """
SELECT month.subscription, payee, sum(least(ticks, seconds))::bigint AS seconds
FROM subscription_month AS month
JOIN subscription_session USING (subscription, month)
JOIN playback_session ON playback_session.id = session_id
WHERE pool = $1 AND ticks > 0
GROUP BY month.subscription, payee
"""

_DIVIDED = """
INSERT INTO pool_division (pool, asset, fees, shared, subscribers, watching, divided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Pool:
    """Fees of one amount that are divided together."""

    name: str
    asset: str
    fees: int
    subscribers: int


@dataclass(frozen=True, slots=True)
class Division:
    """Who gets what of a pool. Of the fees of those who watched nothing creators get nothing: there
    is no proportion to go by, and any other rule would pay for accounts that nobody uses.
    """

    pool: Pool
    watching: int
    amounts: dict[str, Stroops]

    @property
    def shared(self) -> int:
        return sum(self.amounts.values())


def division(pool: Pool, watched: dict[str, dict[str, int]], basis_points: int) -> Division:
    """Divide by ScaledUserProp.

    Args:
        watched: seconds by subscription and payee.
        basis_points: of all fees, the creators' part.
    """
    alpha = Fraction(basis_points, WHOLE)
    if not watched or not alpha:
        return Division(pool, len(watched), {})
    fee = pool.fees // pool.subscribers
    shared = Stroops(int(alpha * len(watched) * fee))
    amounts = in_stroops(divide(list(watched.values()), alpha), shared)
    paid = {payee: amount for payee, amount in amounts.items() if amount}
    return Division(pool, len(watched), paid)


class Pools:
    """Divides what is ripe; several may run on one database."""

    def __init__(self, database: Database, ledger: PostgresLedger, basis_points: int) -> None:
        self._database = database
        self._ledger = ledger
        self._basis_points = basis_points

    async def divide_ripe(self, now: datetime) -> list[Division]:
        """Divide the pools of which all months are over, each once.

        Raises:
            One of `config.postgres.UNAVAILABLE`: what was divided by then stays so.
        """
        rows = await self._database.fetch(_RIPE, now, SUBSCRIPTION_GRACE_DAYS, POOLS_AT_ONCE)
        divisions = []
        for row in rows:
            pool = Pool(row["pool"], row["asset"], row["fees"], row["subscribers"])
            watched = await self._watched(pool)
            # Ten thousand subscribers take about a second: not on the loop.
            made = await asyncio.to_thread(division, pool, watched, self._basis_points)
            if await self._pay(made, now):
                divisions.append(made)
                log.info(
                    "subscription fees divided",
                    pool=pool.name,
                    subscribers=pool.subscribers,
                    creators=len(made.amounts),
                    stroops=made.shared,
                )
        return divisions

    async def _watched(self, pool: Pool) -> dict[str, dict[str, int]]:
        watched: dict[str, dict[str, int]] = defaultdict(dict)
        for row in await self._database.fetch(_WATCHED, pool.name):
            watched[row["subscription"]][row["payee"]] = row["seconds"]
        return watched

    async def _pay(self, made: Division, now: datetime) -> bool:
        """Whether it was not paid before."""
        pool = made.pool
        async with self._database.transaction() as connection:
            tag = await connection.execute(
                _DIVIDED,
                pool.name,
                pool.asset,
                pool.fees,
                made.shared,
                pool.subscribers,
                made.watching,
                now,
            )
            if tag != "INSERT 0 1":
                return False
            await self._post(connection, made)
        return True

    async def _post(self, connection: Connection, made: Division) -> None:
        pool = made.pool
        source = pool_account(pool.name, pool.asset)
        kept = Stroops(pool.fees - made.shared)
        moves = [
            *(
                (payee_account(payee, pool.asset), "subscription_share", amount)
                for payee, amount in sorted(made.amounts.items())
            ),
            (platform_account(pool.asset), "platform_fee", kept),
        ]
        accounts = [account for account, _, _ in moves]
        await self._ledger.open_accounts_within(connection, accounts)
        transfers = [
            Transfer(
                id=f"pool:{pool.name}:{account.id}",
                debit=source.id,
                credit=account.id,
                amount=amount,
                asset=pool.asset,
                cause=cause,
            )
            for account, cause, amount in moves
            if amount
        ]
        await self._ledger.post_within(connection, transfers)
