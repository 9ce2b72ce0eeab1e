"""Fixtures of the whole suite: one Postgres server a session, one migrated database a test."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings

from config.embedded_postgres import ROLE, EmbeddedPostgres
from config.migrate import migrate
from config.postgres import Database

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
    """The URL of a migrated, empty database that only this test has, for the program's role."""
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


async def _prepared(server: EmbeddedPostgres) -> None:
    database = await Database.connect(await server.start())
    try:
        await migrate(database)
    finally:
        await database.close()
