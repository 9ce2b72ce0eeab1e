"""Fixtures of the whole suite: one Postgres server a session, one migrated database a test."""

import asyncio
import itertools
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from config.embedded_postgres import ROLE, SERVER_ROLE, EmbeddedPostgres
from config.migrate import migrate
from config.postgres import Database
from config.roles import grant_to_server

# What a test loses in a crash of the machine is not worth a disk's time.
_FAST_AND_FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
}

# An example's time says how busy the machine is; each test has a time limit as a whole.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

_numbers = itertools.count()


def pytest_runtest_setup() -> None:
    """Run under the ordinary scheduling policy, as do the programs that a test starts.

    SVT-AV1, with which tests make their films, gives the whole process a realtime policy when it is
    run by root. Then one busy program starves everything else on its processor, this process and
    its timeouts too.
    """
    if sys.platform != "linux" or os.sched_getscheduler(0) == os.SCHED_OTHER:
        return
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A running server whose database `tollcast` is migrated and otherwise empty."""
    directory = tmp_path_factory.mktemp("postgres")
    server = EmbeddedPostgres(directory, _FAST_AND_FORGETFUL)
    asyncio.run(_prepared(server))
    yield server
    asyncio.run(server.stop())
    shutil.rmtree(directory)


@pytest.fixture
async def postgres_url(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The URL of a migrated, empty database that only this test has, for its owner."""
    name = f"test_{next(_numbers)}"
    superuser = await Database.connect(postgres_server.url("postgres", "postgres"), pool_size=1)
    try:
        await superuser.execute(
            f"CREATE DATABASE {name} TEMPLATE {ROLE} OWNER {ROLE} STRATEGY file_copy"
        )
        yield postgres_server.url(database=name)
        await superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await superuser.close()


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """A connected, migrated, empty database."""
    database = await Database.connect(postgres_url)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def server_database(
    postgres_server: EmbeddedPostgres, database: Database
) -> AsyncIterator[Database]:
    """The same as `database`, for the role that the server runs as."""
    name = await database.fetchval("SELECT current_database()")
    connected = await Database.connect(postgres_server.url(SERVER_ROLE, name))
    try:
        yield connected
    finally:
        await connected.close()


async def _prepared(server: EmbeddedPostgres) -> None:
    database = await Database.connect(await server.start())
    try:
        await migrate(database)
        await grant_to_server(database, SERVER_ROLE)
    finally:
        await database.close()
