"""Subscriptions in Postgres: their rows and the fee's transfer in one transaction."""

import json
from datetime import datetime
from typing import Any

from config.postgres import Connection, Database, Record, UniqueViolationError
from metering.ledger.ledger import Transfer, viewer_account
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.subscriptions.store import (
    AlreadySubscribed,
    ChangedMeanwhile,
    Due,
    Kept,
    Told,
    pool_account,
    pool_name,
)
from metering.subscriptions.subscription import Kind, Look, Plan, State, Subscription, next_look

_BEGIN = """
INSERT INTO subscription (id, account, state, plan, next_plan, anchor, month, began, ends,
    end_reason, due_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (id) DO NOTHING
"""

_ADVANCE = """
UPDATE subscription SET state = $3, plan = $4, next_plan = $5, anchor = $6, month = $7, began = $8,
    ends = $9, end_reason = $10, due_at = $11, revision = revision + 1
WHERE id = $1 AND account = $2 AND revision = $12
"""

_MONTH = """
INSERT INTO subscription_month (subscription, month, pool, asset, fee, began, ends)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""

_TELL = """
INSERT INTO subscription_notice (subscription, month, step, kind, told_at)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
"""

_CURRENT = "SELECT * FROM subscription WHERE account = $1 AND state <> 'ended'"

_LATEST = "SELECT * FROM subscription WHERE account = $1 ORDER BY id DESC LIMIT 1"

_DUE = """
SELECT subscription.*, coalesce(balance, 0) AS balance FROM subscription
LEFT JOIN ledger_account ON ledger_account.id
    = 'viewer:' || account || ':' || (coalesce(next_plan, plan) ->> 'asset')
WHERE state <> 'ended' AND due_at <= $1
ORDER BY due_at LIMIT $2
"""

_TOLD = """
SELECT kind, notice.month, told_at FROM subscription_notice AS notice
JOIN subscription ON subscription.id = notice.subscription
WHERE account = $1 ORDER BY told_at DESC, notice.step LIMIT $2
"""

# A session that was never made, after a crash for instance, has used nothing.
_USED = """
SELECT coalesce(sum(
    CASE WHEN closed_at IS NULL THEN seconds ELSE least(ticks, seconds) END
), 0)::bigint
FROM subscription_session JOIN playback_session ON playback_session.id = session_id
WHERE subscription = $1 AND month = $2
"""

_GRANT = """
INSERT INTO subscription_session (session_id, subscription, month, seconds)
VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""


class PostgresSubscriptionStore:
    """Implements `store.SubscriptionStore`."""

    def __init__(self, database: Database, ledger: PostgresLedger) -> None:
        self._database = database
        self._ledger = ledger

    async def begin(self, look: Look, now: datetime) -> None:
        try:
            async with self._database.transaction() as connection:
                tag = await connection.execute(_BEGIN, *_columns(look.after, now))
                if tag == "INSERT 0 1":
                    await self._settle(connection, look, now)
        except UniqueViolationError:
            raise AlreadySubscribed(look.after.account) from None

    async def advance(self, kept: Kept, look: Look, now: datetime) -> None:
        async with self._database.transaction() as connection:
            tag = await connection.execute(_ADVANCE, *_columns(look.after, now), kept.revision)
            if tag != "UPDATE 1":
                raise ChangedMeanwhile(look.after.id)
            await self._settle(connection, look, now)

    async def current(self, account: str) -> Kept | None:
        row = await self._database.fetchrow(_CURRENT, account)
        return None if row is None else _kept(row)

    async def latest(self, account: str) -> Subscription | None:
        row = await self._database.fetchrow(_LATEST, account)
        return None if row is None else _kept(row).subscription

    async def due(self, now: datetime, limit: int) -> list[Due]:
        rows = await self._database.fetch(_DUE, now, limit)
        return [Due(_kept(row), row["balance"]) for row in rows]

    async def told(self, account: str, limit: int) -> list[Told]:
        rows = await self._database.fetch(_TOLD, account, limit)
        return [Told(Kind(row["kind"]), row["month"], row["told_at"]) for row in rows]

    async def used_seconds(self, subscription: Subscription) -> int:
        used: int = await self._database.fetchval(_USED, subscription.id, subscription.month)
        return used

    async def grant(self, session_id: str, subscription: Subscription, seconds: int) -> None:
        await self._database.execute(
            _GRANT, session_id, subscription.id, subscription.month, seconds
        )

    async def _settle(self, connection: Connection, look: Look, now: datetime) -> None:
        """Take the fee, and write down the month and what is told."""
        subscription = look.after
        for notice in look.notices:
            await connection.execute(
                _TELL, subscription.id, notice.month, notice.step, notice.kind.value, now
            )
        if look.fee:
            await connection.execute(_MONTH, *_month(subscription))
            await self._take(connection, subscription)

    async def _take(self, connection: Connection, subscription: Subscription) -> None:
        plan = subscription.plan
        pool = pool_account(pool_name(plan, subscription.began), plan.asset)
        viewer = viewer_account(subscription.account, plan.asset)
        fee = Transfer(
            id=f"{subscription.id}:{subscription.month}:fee",
            debit=viewer.id,
            credit=pool.id,
            amount=plan.fee,
            asset=plan.asset,
            cause="subscription",
        )
        await self._ledger.open_accounts_within(connection, [viewer, pool])
        await self._ledger.post_within(connection, [fee])


def _columns(subscription: Subscription, now: datetime) -> tuple[object, ...]:
    ended = subscription.state is State.ENDED
    return (
        subscription.id,
        subscription.account,
        subscription.state.value,
        _plan_json(subscription.plan),
        None if subscription.next_plan is None else _plan_json(subscription.next_plan),
        subscription.anchor,
        subscription.month,
        subscription.began,
        subscription.ends,
        None if subscription.end_reason is None else subscription.end_reason.value,
        subscription.ends if ended else next_look(subscription, now),
    )


def _month(subscription: Subscription) -> tuple[object, ...]:
    plan = subscription.plan
    return (
        subscription.id,
        subscription.month,
        pool_name(plan, subscription.began),
        plan.asset,
        plan.fee,
        subscription.began,
        subscription.ends,
    )


def _plan_json(plan: Plan) -> str:
    return json.dumps(
        {
            "name": plan.name,
            "fee": plan.fee,
            "asset": plan.asset,
            "includedSeconds": plan.included_seconds,
        }
    )


def _plan(text: str) -> Plan:
    document: dict[str, Any] = json.loads(text)
    return Plan(
        document["name"],
        Stroops(document["fee"]),
        document["asset"],
        document["includedSeconds"],
    )


def _kept(row: Record) -> Kept:
    subscription = Subscription(
        id=row["id"],
        account=row["account"],
        plan=_plan(row["plan"]),
        next_plan=None if row["next_plan"] is None else _plan(row["next_plan"]),
        anchor=row["anchor"],
        month=row["month"],
        began=row["began"],
        ends=row["ends"],
        state=State(row["state"]),
        end_reason=None if row["end_reason"] is None else Kind(row["end_reason"]),
    )
    return Kept(subscription, row["revision"])
