"""The other servers by way of Postgres: NOTIFY tells them, and an advisory lock that we are there.

Leases last as long as viewers go on while the database is away, three quarters of a minute. A
process that has died is found out sooner: its connections end with it, and so does the lock that it
held over one of them. When that is free, and nothing is heard of its holder for some seconds, its
lease is given back in its name. Nothing depends on that being right: a holder that lives after all
renews its lease, or finds that it was taken over, and no commit under it happens any more.

A restart of the database frees all locks at once. So nobody judges others who has not attended for
a while without a break.
"""

from collections.abc import Callable, Sequence

from config.clock import Clock
from config.limits import PRESENCE_LOOK_MS, PRESENCE_MISSED_MS, PRESENCE_PATIENCE_MS
from config.postgres import Connection, Database
from metering.leases.lease import Server
from metering.leases.lease_postgres import unavailable
from metering.leases.others import Home

_CHANNEL = "metering"

# Any number: that of our locks among the advisory locks of two numbers (the other one is the mark).
_LOCKS = 0x6C656173  # "leas"

_LOCK = f"SELECT pg_advisory_lock({_LOCKS}, $1)"

_MARK = "UPDATE meter_lease SET mark = $2 WHERE fence = $1 AND mark IS DISTINCT FROM $2"

# A lock that is not ours to hold is taken for the length of this statement.
_LOOK = f"""
SELECT fence, missed_at IS NOT NULL AS is_missed,
    coalesce(missed_at < clock_timestamp() - $2 * interval '1 millisecond', false) AS is_gone,
    mark IS NOT NULL AND pg_try_advisory_xact_lock_shared({_LOCKS}, mark) AS is_free
FROM meter_lease WHERE fence <> $1 AND until > clock_timestamp()
"""

_MISS = """
UPDATE meter_lease SET missed_at = clock_timestamp()
WHERE fence = ANY ($1::bigint[]) AND missed_at IS NULL
"""

_THERE = "UPDATE meter_lease SET missed_at = NULL WHERE fence = ANY ($1::bigint[])"

# Whoever has come back meanwhile has cleared `missed_at` by renewing.
_GIVE_BACK = """
UPDATE meter_lease SET until = '-infinity'
WHERE fence = ANY ($1::bigint[]) AND missed_at < clock_timestamp() - $2 * interval '1 millisecond'
"""

_TELL = "SELECT pg_notify($1, word) FROM unnest($2::text[]) AS word"

_HOME = """
SELECT fence, server, url FROM meter_lease
WHERE server = $1 AND mark IS NOT NULL AND missed_at IS NULL AND until > clock_timestamp()
ORDER BY fence DESC LIMIT 1
"""

_HOME_OF_VIEWER = """
SELECT fence, server, url FROM playback_session JOIN meter_lease USING (fence)
WHERE viewer = $1 AND closed_at IS NULL
    AND mark IS NOT NULL AND missed_at IS NULL AND until > clock_timestamp()
ORDER BY playback_session.id DESC LIMIT 1
"""

_OPEN_ON = """
SELECT id FROM playback_session
WHERE viewer = $1 AND asset_id = $2 AND closed_at IS NULL ORDER BY id
"""


class PostgresOthers:
    """Implements `others.Others`.

    Args:
        mark: names this process among those that there are and were: a random one, up to 2**31.
    """

    def __init__(self, database: Database, clock: Clock, mark: int) -> None:
        self._database = database
        self._clock = clock
        self._mark = mark
        self._there = False

    @property
    def are_there(self) -> bool:
        return self._there

    async def attend(
        self, fence: Callable[[], int], heard: Callable[[str], None], gone: Callable[[], None]
    ) -> None:
        since = self._clock.monotonic_ms()
        is_locked = False

        async def look(connection: Connection) -> None:
            nonlocal is_locked
            if not is_locked:
                await connection.execute(_LOCK, self._mark)
                is_locked = True
            await connection.execute(_MARK, fence(), self._mark)
            judges = self._clock.monotonic_ms() - since >= PRESENCE_PATIENCE_MS
            if await self._look(connection, fence(), judges=judges):
                gone()

        with unavailable():
            await self._database.listen(_CHANNEL, heard, look, PRESENCE_LOOK_MS)

    async def _look(self, connection: Connection, fence: int, *, judges: bool) -> bool:
        """Whether a lease was given back in the name of somebody who is gone."""
        others = await connection.fetch(_LOOK, fence, PRESENCE_MISSED_MS)
        self._there = bool(others)
        missing = [each["fence"] for each in others if each["is_free"] and not each["is_missed"]]
        back = [each["fence"] for each in others if not each["is_free"] and each["is_missed"]]
        over = [each["fence"] for each in others if each["is_free"] and each["is_gone"]]
        if missing:
            await connection.execute(_MISS, missing)
        if back:
            await connection.execute(_THERE, back)
        if not (over and judges):
            return False
        await connection.execute(_GIVE_BACK, over, PRESENCE_MISSED_MS)
        return True

    async def tell(self, words: Sequence[str]) -> None:
        with unavailable():
            await self._database.execute(_TELL, _CHANNEL, list(words))

    async def home_of_viewer(self, viewer: str) -> Home | None:
        return await self._home(_HOME_OF_VIEWER, viewer)

    async def home_of_server(self, server_id: str) -> Home | None:
        return await self._home(_HOME, server_id)

    async def open_on(self, viewer: str, asset_id: str) -> list[str]:
        with unavailable():
            rows = await self._database.fetch(_OPEN_ON, viewer, asset_id)
        return [row["id"] for row in rows]

    async def _home(self, query: str, name: str) -> Home | None:
        with unavailable():
            row = await self._database.fetchrow(query, name)
        if row is None:
            return None
        return Home(row["fence"], Server(row["server"], row["url"]))
