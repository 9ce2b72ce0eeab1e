"""Taking turns on connections, with connections that only know their state."""

import asyncio

import pytest

from config.connection_pool import ConnectionPool, PoolClosed


class _Connection:
    def __init__(self) -> None:
        self.closed = False
        self.in_transaction = False
        self.terminated = False

    def is_closed(self) -> bool:
        return self.closed

    def is_in_transaction(self) -> bool:
        assert not self.closed, "a closed connection has no state"
        return self.in_transaction

    def terminate(self) -> None:
        self.closed = self.terminated = True

    async def close(self) -> None:
        self.closed = True


class _Server:
    def __init__(self) -> None:
        self.opened: list[_Connection] = []
        self.is_down = False

    async def connect(self) -> _Connection:
        if self.is_down:
            raise ConnectionRefusedError
        self.opened.append(_Connection())
        return self.opened[-1]


@pytest.fixture
def server() -> _Server:
    return _Server()


@pytest.fixture
def pool(server: _Server) -> ConnectionPool[_Connection]:
    return ConnectionPool(server.connect, size=2, wait_ms_max=20)


async def test_a_connection_is_used_again(
    pool: ConnectionPool[_Connection], server: _Server
) -> None:
    for _ in range(5):
        pool.give_back(await pool.take())
    assert len(server.opened) == 1


async def test_there_are_never_more_than_its_size(
    pool: ConnectionPool[_Connection], server: _Server
) -> None:
    first, second = await pool.take(), await pool.take()
    with pytest.raises(TimeoutError):
        await pool.take()
    waiting = asyncio.ensure_future(pool.take())
    await asyncio.sleep(0)
    pool.give_back(first)
    assert await waiting is first
    pool.give_back(first)
    pool.give_back(second)
    assert len(server.opened) == 2


async def test_one_that_broke_is_replaced(
    pool: ConnectionPool[_Connection], server: _Server
) -> None:
    broken = await pool.take()
    pool.give_back(broken)
    broken.closed = True
    assert await pool.take() is not broken
    assert len(server.opened) == 2


async def test_one_left_inside_a_transaction_is_cut(pool: ConnectionPool[_Connection]) -> None:
    connection = await pool.take()
    connection.in_transaction = True
    pool.give_back(connection)
    assert connection.terminated
    assert await pool.take() is not connection


async def test_a_server_that_comes_back_is_connected_to_again(
    pool: ConnectionPool[_Connection], server: _Server
) -> None:
    server.is_down = True
    for _ in range(5):
        with pytest.raises(ConnectionRefusedError):
            await pool.take()
    server.is_down = False
    pool.give_back(await pool.take())


async def test_a_cancelled_wait_loses_no_place(pool: ConnectionPool[_Connection]) -> None:
    taken = [await pool.take(), await pool.take()]
    waiting = asyncio.ensure_future(pool.take())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    for connection in taken:
        pool.give_back(connection)
    assert {await pool.take(), await pool.take()} == set(taken)


async def test_closing_closes_all_and_waits_for_those_in_use(
    pool: ConnectionPool[_Connection], server: _Server
) -> None:
    busy, idle = await pool.take(), await pool.take()
    pool.give_back(idle)
    closing = asyncio.ensure_future(pool.close(10_000))
    await asyncio.sleep(0)
    assert not closing.done()
    pool.give_back(busy)
    await closing
    assert all(connection.closed for connection in server.opened)
    with pytest.raises((PoolClosed, TimeoutError)):
        await pool.take()


async def test_closing_cuts_what_does_not_come_back(pool: ConnectionPool[_Connection]) -> None:
    busy = await pool.take()
    await pool.close(1)
    assert busy.terminated
    pool.give_back(busy)
    with pytest.raises(PoolClosed):
        await pool.take()
