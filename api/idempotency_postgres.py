"""Keys of requests in Postgres."""

from datetime import datetime

from api.idempotency_store import (
    LOCK,
    RETENTION,
    Claim,
    Effect,
    KeyedRequest,
    OtherRequest,
    TooManyKeys,
    UnderWay,
    new_effect,
)
from config.limits import IDEMPOTENCY_KEYS_MAX
from config.postgres import Connection, Database, Record

# Each new row takes up to two with it that are too old, so that they never gather.
_FORGET = """
DELETE FROM idempotency_key WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_key WHERE created_at <= $1
    ORDER BY created_at LIMIT 2 FOR UPDATE SKIP LOCKED
))
"""

_FORGET_THIS = """
DELETE FROM idempotency_key WHERE account = $2 AND route = $3 AND key = $4 AND created_at <= $1
"""

# Waits for another insertion of the same key, and then has nothing to do.
_INSERT = """
INSERT INTO idempotency_key (account, route, key, fingerprint, entropy, created_at, locked_until)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING
RETURNING true
"""

_COUNT = "SELECT count(*) FROM idempotency_key WHERE account = $1"

_LOCK = """
SELECT fingerprint, entropy, created_at, locked_until, attempt, answer FROM idempotency_key
WHERE account = $1 AND route = $2 AND key = $3 FOR UPDATE
"""

_RETRY = """
UPDATE idempotency_key SET attempt = attempt + 1, locked_until = $4
WHERE account = $1 AND route = $2 AND key = $3
RETURNING attempt
"""

_ANSWER = """
UPDATE idempotency_key SET answer = coalesce(answer, $4)
WHERE account = $1 AND route = $2 AND key = $3
RETURNING answer
"""

_RELEASE = """
UPDATE idempotency_key SET locked_until = created_at
WHERE account = $1 AND route = $2 AND key = $3 AND attempt = $4
"""


class PostgresIdempotencyStore:
    """Implements `idempotency_store.IdempotencyStore`; each call may raise
    `config.postgres.UNAVAILABLE`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, request: KeyedRequest, now: datetime) -> Claim:
        name = (request.account, request.route, request.key)
        effect = new_effect(round(now.timestamp() * 1000))
        columns = (request.fingerprint, effect.entropy.to_bytes(10), now, now + LOCK)
        async with self._database.transaction() as connection:
            await connection.execute(_FORGET, now - RETENTION)
            await connection.execute(_FORGET_THIS, now - RETENTION, *name)
            if await connection.fetchval(_INSERT, *name, *columns):
                if await connection.fetchval(_COUNT, request.account) > IDEMPOTENCY_KEYS_MAX:
                    raise TooManyKeys
                return Claim(effect)
            return await _claim_again(connection, request, now)

    async def answer(self, request: KeyedRequest, text: str) -> str:
        name = (request.account, request.route, request.key)
        kept: str | None = await self._database.fetchval(_ANSWER, *name, text)
        return text if kept is None else kept

    async def release(self, request: KeyedRequest, attempt: int) -> None:
        name = (request.account, request.route, request.key)
        await self._database.execute(_RELEASE, *name, attempt)


async def _claim_again(connection: Connection, request: KeyedRequest, now: datetime) -> Claim:
    name = (request.account, request.route, request.key)
    row = await connection.fetchrow(_LOCK, *name)
    if row is None:  # it was forgotten between two statements
        raise UnderWay
    if row["fingerprint"] != request.fingerprint:
        raise OtherRequest
    if row["answer"] is not None:
        return Claim(_effect(row, row["attempt"]), row["answer"])
    if row["locked_until"] > now:
        raise UnderWay
    return Claim(_effect(row, await connection.fetchval(_RETRY, *name, now + LOCK)))


def _effect(row: Record, attempt: int) -> Effect:
    wall_ms = round(row["created_at"].timestamp() * 1000)
    return Effect(wall_ms, int.from_bytes(row["entropy"]), attempt)
