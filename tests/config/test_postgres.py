"""The pool against a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from config.postgres import (
    UNAVAILABLE,
    Database,
    DatabaseUnavailable,
    PostgresError,
    UniqueViolationError,
)
from config.tasks import spawn

_SOCKET = ".s.PGSQL.5432"


async def test_rows_are_read_by_name_and_by_position(database: Database) -> None:
    row = await database.fetchrow("SELECT 7 AS seven, 'x' AS letter")
    assert row is not None
    assert (row["seven"], row[1], tuple(row), len(row)) == (7, "x", (7, "x"), 2)
    assert row.get("none") is None
    assert list(row.keys()) == ["seven", "letter"]


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    await database.execute("CREATE TABLE thing (id integer PRIMARY KEY)")

    async def insert_twice() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO thing VALUES (1)")
            await connection.execute("INSERT INTO thing VALUES (1)")

    with pytest.raises(UniqueViolationError):
        await insert_twice()
    assert await database.fetch("SELECT id FROM thing") == []


async def test_a_savepoint_fails_alone(database: Database) -> None:
    await database.execute("CREATE TABLE thing (id integer PRIMARY KEY)")
    async with database.transaction() as connection:
        await connection.executemany("INSERT INTO thing VALUES ($1)", [(1,), (2,)])
        with pytest.raises(UniqueViolationError):
            async with connection.transaction():
                await connection.execute("INSERT INTO thing VALUES (3), (1)")
    assert await database.fetchval("SELECT array_agg(id ORDER BY id) FROM thing") == [1, 2]


async def test_a_cancelled_transaction_is_rolled_back_before_its_connection_is_used_again(
    postgres_url: str,
) -> None:
    database = await Database.connect(postgres_url, pool_size=1)
    await database.execute("CREATE TABLE thing (id integer PRIMARY KEY)")
    entered = asyncio.Event()

    async def hang() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO thing VALUES (1)")
            entered.set()
            await connection.execute("SELECT pg_sleep(60)")

    task = asyncio.ensure_future(hang())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.fetchval("SELECT count(*) FROM thing") == 0
    await database.close()


async def test_a_statement_that_takes_too_long_is_ended_and_the_next_one_works(
    postgres_url: str,
) -> None:
    database = await Database.connect(postgres_url, pool_size=1, statement_ms_max=500)
    with pytest.raises((TimeoutError, PostgresError)):
        await database.execute("SELECT pg_sleep(60)")

    async def too_long() -> None:
        async with database.transaction() as connection:
            await connection.execute("SELECT pg_sleep(60)")

    with pytest.raises((TimeoutError, PostgresError)):
        await too_long()
    assert await database.fetchval("SELECT 1") == 1
    await database.close()


async def test_an_error_of_the_caller_rolls_back_and_the_connection_stays(
    postgres_url: str,
) -> None:
    database = await Database.connect(postgres_url, pool_size=1)
    session = await database.fetchval("SELECT pg_backend_pid()")

    async def fail() -> None:
        async with database.transaction() as connection:
            await connection.execute("CREATE TABLE thing (id integer)")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await database.fetchval("SELECT to_regclass('thing')") is None
    assert await database.fetchval("SELECT pg_backend_pid()") == session
    await database.close()


async def test_a_connection_that_the_server_cuts_is_replaced(postgres_url: str) -> None:
    database = await Database.connect(postgres_url, pool_size=1)

    async def suicide() -> None:
        async with database.transaction() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(UNAVAILABLE):
        await suicide()
    assert await database.fetchval("SELECT 1") == 1
    await database.close()


async def test_a_connection_that_was_told_of_its_end_is_replaced_before_it_ends(
    postgres_url: str, database: Database, tmp_path: Path
) -> None:
    """As when a server is killed: what it says last is read some turns before its socket ends."""
    async with _endless(postgres_url, tmp_path) as (url, over):
        relayed = await Database.connect(url, pool_size=1)
        session = await relayed.fetchval("SELECT pg_backend_pid()")
        await database.execute("SELECT pg_terminate_backend($1)", session)
        async with asyncio.timeout(30):
            await over.wait()
        for _ in range(10):
            await asyncio.sleep(0)  # until it is read
        with pytest.raises(UNAVAILABLE):
            await relayed.fetchval("SELECT 1")
        assert await relayed.fetchval("SELECT 1") == 1
    await relayed.close()


@asynccontextmanager
async def _endless(url: str, folder: Path) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """The same server by way of a relay that keeps from clients when the server has cut them off;
    and what is set when it first has.
    """
    target = parse_qs(urlsplit(url).query)["host"][0]
    over, ends = asyncio.Event(), list[asyncio.StreamWriter]()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(writer)
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_unix_connection(f"{target}/{_SOCKET}")
        asking = spawn(copy(reader, questions), name="questions")
        await copy(answers, writer)
        over.set()
        await asyncio.wait([asking])

    server = await asyncio.start_unix_server(relay, folder / _SOCKET)
    try:
        yield url.replace(quote(target, safe=""), quote(str(folder), safe="")), over
    finally:
        server.close()
        for each in ends:
            each.transport.abort()


async def test_one_holder_of_an_exclusive_key_at_a_time(database: Database) -> None:
    async with database.exclusively(7, 1000):
        with pytest.raises(TimeoutError):
            async with database.exclusively(7, 20):
                pytest.fail("the lock is held")
    async with database.exclusively(7, 1000):
        assert await database.fetchval("SELECT 1") == 1


async def test_close_does_not_wait_forever_for_a_statement(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.postgres.DATABASE_CLOSE_MS_MAX", 50)
    database = await Database.connect(postgres_url, pool_size=2)
    started = asyncio.Event()

    async def hang() -> None:
        async with database.transaction() as connection:
            started.set()
            await connection.execute("SELECT pg_sleep(60)")

    task = asyncio.ensure_future(hang())
    await started.wait()
    await database.close()
    assert (await asyncio.gather(task, return_exceptions=True))[0] is not None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://tollcast:hunter2@127.0.0.1:1/tollcast",
        "postgresql://tollcast:hunter2@/tollcast?host=/nowhere",
        "http://tollcast:hunter2@127.0.0.1/",
    ],
)
async def test_no_database_is_one_error_that_keeps_the_password(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot connect") as caught:
        await Database.connect(url)
    assert "hunter2" not in str(caught.value)


async def test_a_wrong_password_is_said_so(postgres_url: str) -> None:
    scheme, _, rest = postgres_url.partition("://")
    host = rest.partition("@")[2]
    with pytest.raises(DatabaseUnavailable, match="password authentication failed"):
        await Database.connect(f"{scheme}://tollcast:wrong@{host}")


async def test_a_listener_hears_each_notice_and_fails_when_its_connection_is_cut(
    postgres_url: str,
) -> None:
    database = await Database.connect(postgres_url, pool_size=1)
    heard: asyncio.Queue[str] = asyncio.Queue()
    listening = asyncio.ensure_future(database.listen("news", heard.put_nowait))
    async with asyncio.timeout(30):
        assert await heard.get() == ""
        await database.execute("SELECT pg_notify('news', 'one'), pg_notify('other', 'x')")
        await database.execute("SELECT pg_notify('news', 'two')")
        assert [await heard.get(), await heard.get()] == ["one", "two"]
        await database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with pytest.raises(UNAVAILABLE):
            await listening
    await database.close()
