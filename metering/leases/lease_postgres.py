"""Leases in Postgres (table `meter_lease`): its clock ends them, its locks keep commits to them."""

from collections.abc import Iterator
from contextlib import contextmanager

from config.postgres import UNAVAILABLE, Connection, Database, PostgresError, RaiseError
from metering.errors import LeaseLost, MeterUnavailable
from metering.leases.lease import Server

_ACQUIRE = """
INSERT INTO meter_lease (server, url, until)
VALUES ($1, $2, clock_timestamp() + $3 * interval '1 millisecond') RETURNING fence
"""

_RENEW = """
UPDATE meter_lease
SET until = clock_timestamp() + $2 * interval '1 millisecond', missed_at = NULL WHERE fence = $1
RETURNING EXISTS (SELECT FROM meter_lease WHERE until < clock_timestamp() AND fence <> $1)
"""

_HELD = "SELECT meter_lease_held($1)"

# Waits for the commits that still run under these leases; then there are no more of them.
_END_OWN = "DELETE FROM meter_lease WHERE server = $1 AND fence <> $2 RETURNING fence"

# Leases that somebody takes over or commits under at this moment are left to them.
_END_OVER = """
DELETE FROM meter_lease WHERE fence IN (
    SELECT fence FROM meter_lease
    WHERE fence <> $1 AND (until = '-infinity' OR $2 AND until < clock_timestamp())
    ORDER BY fence FOR UPDATE SKIP LOCKED
)
RETURNING fence
"""

_MOVE = """
UPDATE playback_session SET fence = $1 WHERE closed_at IS NULL AND fence = ANY ($2::bigint[])
"""

_RELEASE = "UPDATE meter_lease SET until = '-infinity' WHERE fence = $1"

_HOLDER = """
SELECT server, url FROM playback_session JOIN meter_lease USING (fence)
WHERE playback_session.id = $1 AND closed_at IS NULL AND until > clock_timestamp()
    AND missed_at IS NULL
"""


class PostgresLeases:
    """Implements `lease.Leases`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def acquire(self, server: Server, duration_ms: int, *, succeed: bool) -> int:
        with unavailable():
            async with self._database.transaction() as connection:
                fence: int = await connection.fetchval(_ACQUIRE, server.id, server.url, duration_ms)
                if succeed:
                    over = await connection.fetch(_END_OWN, server.id, fence)
                    await connection.execute(_MOVE, fence, [row["fence"] for row in over])
        return fence

    async def renew(self, fence: int, duration_ms: int) -> bool:
        with unavailable():
            row = await self._database.fetchrow(_RENEW, fence, duration_ms)
        if row is None:
            raise LeaseLost(fence)
        return bool(row[0])

    async def take_over(self, fence: int, *, expired: bool) -> bool:
        with unavailable(), fenced():
            async with self._database.transaction() as connection:
                await require_within(connection, fence)
                over = [row["fence"] for row in await connection.fetch(_END_OVER, fence, expired)]
                await connection.execute(_MOVE, fence, over)
        return bool(over)

    async def release(self, fence: int) -> None:
        with unavailable():
            await self._database.execute(_RELEASE, fence)

    async def holder(self, session_id: str) -> Server | None:
        with unavailable():
            row = await self._database.fetchrow(_HOLDER, session_id)
        return None if row is None else Server(row["server"], row["url"])


async def require_within(connection: Connection, fence: int) -> None:
    """Keep a lease from being taken over until the transaction ends. Raises: LeaseLost, within
    `fenced`.
    """
    await connection.execute(_HELD, fence)


@contextmanager
def fenced() -> Iterator[None]:
    """Tell when the schema says that somebody took the lease over."""
    try:
        yield
    except RaiseError as error:
        if error.message != "lease_lost":
            raise
        raise LeaseLost(int(error.detail)) from None


@contextmanager
def unavailable() -> Iterator[None]:
    """What says nothing about the statement: no server, a full disk, a deadlock."""
    try:
        yield
    except (*UNAVAILABLE, PostgresError) as error:
        raise MeterUnavailable(str(error) or type(error).__name__) from error
