"""The database: statements and transactions, each wait with a deadline.

The only module that imports asyncpg, which carries no types: they are given here.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import asyncpg  # type: ignore[import-untyped]
from asyncpg import (
    CheckViolationError,
    DeadlockDetectedError,
    ForeignKeyViolationError,
    InsufficientPrivilegeError,
    LockNotAvailableError,
    PostgresError,
    RaiseError,
    SerializationError,
    UniqueViolationError,
)

from config.connection_pool import ConnectionPool, DatabaseAway
from config.limits import (
    DATABASE_ACQUIRE_MS_MAX,
    DATABASE_CANCEL_MS_MAX,
    DATABASE_CLOSE_MS_MAX,
    DATABASE_CONNECT_MS_MAX,
    DATABASE_LISTEN_CHECK_MS,
    DATABASE_POOL_CONNECTIONS,
    DATABASE_STATEMENT_MS_MAX,
)
from config.tasks import happens

__all__ = [
    "UNAVAILABLE",
    "CheckViolationError",
    "Connection",
    "Database",
    "DatabaseUnavailable",
    "DeadlockDetectedError",
    "ForeignKeyViolationError",
    "InsufficientPrivilegeError",
    "LockNotAvailableError",
    "PostgresError",
    "RaiseError",
    "Record",
    "SerializationError",
    "UniqueViolationError",
]

# What the server says, whoever asks, when it is short of something or its disk fails (appendix A,
# classes 53 and 58), and when it takes no changes: hosted ones do before their disk is full.
_AILING = (
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
)

# What the driver says of a connection that was lost. (The second one between what a killed server
# says last and the end of its socket, of a statement that was not sent; asyncpg 0.32.)
_CUT = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)

# Errors of a statement that say nothing about it: no free connection in time, no server, or one
# that can do nothing now. (TimeoutError is an OSError.)
UNAVAILABLE: tuple[type[Exception], ...] = (
    *(OSError, asyncpg.QueryCanceledError),
    *_CUT,
    *_AILING,
)

# Those of them that whatever is asked then ends with, over a connection that is lost or not.
_LOST = (*(ConnectionError, TimeoutError), *_CUT, *_AILING)

# What leaves a connection in a state that nobody else is to find it in.
_UNFINISHED = (
    *(TimeoutError, asyncio.CancelledError, GeneratorExit),
    asyncpg.InternalClientError,
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


class Database:
    """A pool of connections to one database.

    Any call may raise one of `UNAVAILABLE`: no connection became free in time, the statement took
    too long, or the server is gone. The next call tries to connect again.
    """

    def __init__(self, pool: ConnectionPool[Any], connect: Callable[[], Awaitable[Any]]) -> None:
        """`connect` opens connections beside the pool."""
        self._pool = pool
        self._connect = connect

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        pool_size: int = DATABASE_POOL_CONNECTIONS,
        statement_ms_max: int = DATABASE_STATEMENT_MS_MAX,
    ) -> "Database":
        """Connect to `url`, opening one connection now and the others when needed.

        `statement_ms_max` is how long a statement may take: the default is for those that somebody
        waits for.

        Raises:
            DatabaseUnavailable: no answer, refused, or not a database URL; the URL is not told.
        """

        async def connect() -> Any:
            return await _connect(url, statement_ms_max)

        pool: ConnectionPool[Any] = ConnectionPool(
            connect, size=pool_size, wait_ms_max=DATABASE_ACQUIRE_MS_MAX
        )
        try:
            pool.give_back(await pool.take())
        except (OSError, ValueError, PostgresError, asyncpg.InterfaceError) as error:
            reason = str(error) or type(error).__name__
            raise DatabaseUnavailable(f"cannot connect to the database: {reason}") from error
        return cls(pool, connect)

    async def close(self) -> None:
        """Close all connections, after the deadline even those with a statement under way."""
        await self._pool.close(DATABASE_CLOSE_MS_MAX)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a transaction: committed at the end, rolled back on any error."""
        async with _Turn(self._pool) as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                yield connection
            except Exception as error:
                if not isinstance(error, TimeoutError) and not connection.is_closed():
                    await transaction.rollback()
                raise
            await transaction.commit()

    @asynccontextmanager
    async def exclusively(self, key: int, milliseconds: int) -> AsyncIterator[Connection]:
        """A connection outside of a transaction that holds the advisory lock `key`.

        Args:
            key: what is locked, across all processes of this database.
            milliseconds: how long to wait for the lock.
        """
        async with _Turn(self._pool) as connection:
            async with connection.transaction():
                await connection.execute(
                    f"SET LOCAL statement_timeout = {milliseconds + DATABASE_CANCEL_MS_MAX}"
                )
                await connection.execute(
                    "SELECT pg_advisory_lock($1)", key, timeout=milliseconds / 1000
                )
            try:
                yield connection
            finally:
                if not connection.is_closed():
                    await connection.execute("SELECT pg_advisory_unlock($1)", key)

    async def fetch(self, query: str, *args: object) -> list[Record]:
        """All rows of one statement."""
        async with _Turn(self._pool) as connection:
            rows: list[Record] = await connection.fetch(query, *args)
        return rows

    async def fetchrow(self, query: str, *args: object) -> Record | None:
        """The first row of one statement, if any."""
        async with _Turn(self._pool) as connection:
            row: Record | None = await connection.fetchrow(query, *args)
        return row

    async def fetchval(self, query: str, *args: object) -> Any:
        """The first column of the first row; None when there is no row."""
        async with _Turn(self._pool) as connection:
            return await connection.fetchval(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        """Run one statement; its tag, e.g. `UPDATE 1`."""
        async with _Turn(self._pool) as connection:
            tag: str = await connection.execute(query, *args)
        return tag

    async def executemany(self, query: str, args: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row of arguments, all or none."""
        async with _Turn(self._pool) as connection:
            await connection.executemany(query, args)

    async def listen(
        self,
        channel: str,
        heard: Callable[[str], None],
        look: "Callable[[Connection], Awaitable[None]] | None" = None,
        look_ms: int = DATABASE_LISTEN_CHECK_MS,
    ) -> None:
        """Call `heard` with what each NOTIFY on `channel` says, until cancelled.

        Called with "" once when listening has begun: what was said before that is missed. Has a
        connection of its own beside the pool's.

        Args:
            channel: the name of one.
            heard: must not fail.
            look: called now and every `look_ms` with the connection, outside of a transaction: what
                it locks stays locked until listening ends.
            look_ms: also how often it is asked whether the connection still is there.

        Raises:
            One of `UNAVAILABLE`, also when the connection is lost.
        """
        connection = await self._connect()
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(channel, lambda *said: heard(said[-1]))
            heard("")
            if look is not None:
                await look(connection)
            while not await happens(lost, look_ms / 1000):
                await (connection.execute("SELECT 1") if look is None else look(connection))
            raise ConnectionError("the connection that listens was lost")
        finally:
            connection.terminate()


class _Turn:
    """One use of one connection."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        self._pool = pool

    async def __aenter__(self) -> Any:
        try:
            self._connection = await self._pool.take()
        except UNAVAILABLE as error:
            raise DatabaseAway(str(error) or type(error).__name__) from error
        return self._connection

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        # The driver asks the server to stop the statement, in vain when it has not begun, and
        # whoever had the connection next would wait for it. Or it is lost, and does not know yet.
        if isinstance(error, _UNFINISHED):
            self._connection.terminate()
        self._pool.give_back(self._connection)
        if isinstance(error, _LOST):
            raise DatabaseAway(str(error) or type(error).__name__) from error


async def _connect(url: str, statement_ms_max: int) -> Any:
    try:
        return await asyncpg.connect(
            url,
            timeout=DATABASE_CONNECT_MS_MAX / 1000,
            command_timeout=statement_ms_max / 1000,
            # A copy tells old balances as if they were today's. Of several hosts it is passed over,
            # and what becomes one is left: its connections were cut. (libpq, 34.1.2)
            target_session_attrs="primary",
            server_settings={
                "application_name": "tollcast",
                "timezone": "UTC",
                # So that a statement whose connection is gone ends as well.
                "statement_timeout": str(statement_ms_max + DATABASE_CANCEL_MS_MAX),
            },
        )
    except asyncpg.TargetServerAttributeNotMatched as error:
        raise ConnectionRefusedError("the server is a standby, which may be behind") from error
