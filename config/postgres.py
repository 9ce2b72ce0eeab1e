"""The database: a pool of connections on which every wait has a deadline.

The only module that imports asyncpg, which carries no types: they are given here.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Protocol

import asyncpg  # type: ignore[import-untyped]
from asyncpg import (
    CheckViolationError,
    DeadlockDetectedError,
    ForeignKeyViolationError,
    PostgresError,
    RaiseError,
    SerializationError,
    UniqueViolationError,
)

from config.limits import (
    DATABASE_ACQUIRE_MS_MAX,
    DATABASE_CLOSE_MS_MAX,
    DATABASE_CONNECT_MS_MAX,
    DATABASE_POOL_CONNECTIONS,
    DATABASE_STATEMENT_MS_MAX,
)

__all__ = [
    "UNAVAILABLE",
    "CheckViolationError",
    "Connection",
    "Database",
    "DatabaseUnavailable",
    "DeadlockDetectedError",
    "ForeignKeyViolationError",
    "PostgresError",
    "RaiseError",
    "Record",
    "SerializationError",
    "UniqueViolationError",
]

# Errors of a statement that say nothing about it: no free connection in time, or no server.
# (TimeoutError is an OSError.)
UNAVAILABLE: tuple[type[Exception], ...] = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)


class DatabaseUnavailable(Exception):
    """The database could not be connected to."""


class Record(Protocol):
    """One row: by name or by position; positions may be unpacked."""

    def __getitem__(self, key: str | int, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __len__(self) -> int: ...

    def get(self, key: str, default: Any = None, /) -> Any: ...

    def keys(self) -> Iterator[str]: ...


class Connection(Protocol):
    """One connection, inside a transaction. Each statement has the database's deadline."""

    async def fetch(self, query: str, *args: object) -> list[Record]:
        """All rows."""

    async def fetchrow(self, query: str, *args: object) -> Record | None:
        """The first row, if any."""

    async def fetchval(self, query: str, *args: object) -> Any:
        """The first column of the first row; None when there is no row."""

    # asyncpg's own timeout also cancels the statement at the server.
    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:  # noqa: ASYNC109
        """The command's tag, e.g. `UPDATE 1`. Without arguments, several statements are allowed.

        `timeout` in seconds replaces the database's deadline.
        """

    async def executemany(self, query: str, args: Iterable[Sequence[object]]) -> None:
        """One statement for each row of arguments, in one round trip."""

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """A savepoint: what fails inside it is rolled back alone."""


class _PooledConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that is handed back without the round trip that resets its session.

    We change no session state: no SET without LOCAL, no LISTEN, no cursors; advisory locks are
    let go by who took them. A transaction left open is still rolled back.
    """

    __slots__ = ()

    def get_reset_query(self) -> str:
        return ""


class Database:
    """A pool of connections to one database.

    Any call may raise one of `UNAVAILABLE`: no connection became free in time, the statement took
    too long, or the server is gone. The next call tries to connect again.
    """

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    @classmethod
    async def connect(cls, url: str, *, pool_size: int = DATABASE_POOL_CONNECTIONS) -> "Database":
        """Connect to `url`, opening one connection now and the others when needed.

        Raises:
            DatabaseUnavailable: no answer, refused, or not a database URL; the URL is not told.
        """
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=pool_size,
                timeout=DATABASE_CONNECT_MS_MAX / 1000,
                command_timeout=DATABASE_STATEMENT_MS_MAX / 1000,
                connection_class=_PooledConnection,
                server_settings={"application_name": "tollcast", "timezone": "UTC"},
            )
        except (OSError, ValueError, PostgresError, asyncpg.InterfaceError) as error:
            reason = str(error) or type(error).__name__
            raise DatabaseUnavailable(f"cannot connect to the database: {reason}") from error
        return cls(pool)

    async def close(self) -> None:
        """Close all connections, after the deadline even those with a statement under way."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DATABASE_CLOSE_MS_MAX / 1000):
                await self._pool.close()  # when cancelled it cuts what is left

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a transaction: committed at the end, rolled back on any error."""
        async with self._acquired() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def exclusively(self, key: int, milliseconds: int) -> AsyncIterator[Connection]:
        """A connection outside of a transaction that holds the advisory lock `key`.

        Args:
            key: what is locked, across all processes of this database.
            milliseconds: how long to wait for the lock.
        """
        async with self._acquired() as connection:
            await connection.execute(
                "SELECT pg_advisory_lock($1)", key, timeout=milliseconds / 1000
            )
            try:
                yield connection
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", key)

    async def fetch(self, query: str, *args: object) -> list[Record]:
        """All rows of one statement."""
        async with self._acquired() as connection:
            rows: list[Record] = await connection.fetch(query, *args)
        return rows

    async def fetchrow(self, query: str, *args: object) -> Record | None:
        """The first row of one statement, if any."""
        async with self._acquired() as connection:
            row: Record | None = await connection.fetchrow(query, *args)
        return row

    async def fetchval(self, query: str, *args: object) -> Any:
        """The first column of the first row; None when there is no row."""
        async with self._acquired() as connection:
            return await connection.fetchval(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        """Run one statement; its tag, e.g. `UPDATE 1`."""
        async with self._acquired() as connection:
            tag: str = await connection.execute(query, *args)
        return tag

    async def executemany(self, query: str, args: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row of arguments, all or none."""
        async with self._acquired() as connection:
            await connection.executemany(query, args)

    def _acquired(self) -> Any:
        return self._pool.acquire(timeout=DATABASE_ACQUIRE_MS_MAX / 1000)
