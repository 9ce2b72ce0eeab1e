"""A few connections that many tasks take turns on.

The driver's own pool hands a connection back in a task and resets its session with a round trip,
which together cost twice as much as a short statement. We change no session state, so a connection
goes back as it is; one that is left inside a transaction is cut.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol


class PoolConnection(Protocol):
    """What the pool needs to know of a connection."""

    def is_closed(self) -> bool: ...

    def is_in_transaction(self) -> bool: ...

    def terminate(self) -> None: ...

    async def close(self) -> None: ...


class DatabaseAway(TimeoutError):
    """The database does not answer: what was asked of it may have happened or not."""


class PoolClosed(ConnectionError):
    """The pool was closed."""


class ConnectionPool[C: PoolConnection]:
    """At most `size` connections, opened when needed, the last used one first."""

    def __init__(self, connect: Callable[[], Awaitable[C]], *, size: int, wait_ms_max: int) -> None:
        """`connect` has a deadline of its own; `wait_ms_max` is for a free place."""
        self._connect = connect
        self._wait_seconds = wait_ms_max / 1000
        self._size = size
        self._places = asyncio.Semaphore(size)
        self._idle: list[C] = []
        self._taken: set[C] = set()
        self._closed = False

    async def take(self) -> C:
        """A connection of one's own, to be given back.

        Raises:
            TimeoutError: none became free in time.
            PoolClosed: there will be none.
            Whatever `connect` raises.
        """
        if self._places.locked():
            async with asyncio.timeout(self._wait_seconds):
                await self._places.acquire()
        else:
            await self._places.acquire()
        try:
            connection = await self._open_one()
        except BaseException:
            self._places.release()
            raise
        self._taken.add(connection)
        return connection

    def give_back(self, connection: C) -> None:
        """Let the next one have it."""
        self._taken.remove(connection)
        if not connection.is_closed():
            if connection.is_in_transaction() or self._closed:
                connection.terminate()
            else:
                self._idle.append(connection)
        self._places.release()

    async def close(self, wait_ms_max: int) -> None:
        """Close all connections, after the deadline even those that are taken."""
        self._closed = True
        try:
            async with asyncio.timeout(wait_ms_max / 1000):
                for connection in self._idle:
                    await connection.close()
                for _ in range(self._size):
                    await self._places.acquire()
        except TimeoutError:
            for connection in (*self._idle, *self._taken):
                connection.terminate()
        self._idle.clear()

    async def _open_one(self) -> C:
        if self._closed:
            raise PoolClosed("the pool is closed")
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await self._connect()
