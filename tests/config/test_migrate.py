"""Migrations: which are due, and what happens in the database."""

import asyncio
from pathlib import Path

import pytest

from config.migrate import Migration, MigrationRefused, migrate, pending, read_migrations
from config.postgres import Database

_FIRST = Migration(1, "0001_first.sql", "CREATE TABLE first (id integer)")
_SECOND = Migration(2, "0002_second.sql", "CREATE TABLE second (id integer)")
_APPLIED_FIRST = {1: (_FIRST.name, _FIRST.sha256)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """High numbers, so that they follow the program's own migrations."""
    (tmp_path / "0900_one.sql").write_text("CREATE TABLE one (id integer);")
    (tmp_path / "0901_two.sql").write_text("CREATE TABLE two (id integer);\nSELECT 1;")
    (tmp_path / "README").write_text("not a migration")
    return tmp_path


@pytest.fixture
async def empty(database: Database) -> Database:
    await database.execute("DROP TABLE schema_migration")
    return database


def test_only_what_is_missing_is_due() -> None:
    assert pending([_FIRST, _SECOND], {}) == [_FIRST, _SECOND]
    assert pending([_FIRST, _SECOND], _APPLIED_FIRST) == [_SECOND]
    assert pending([], {}) == []


def test_an_edited_file_is_refused() -> None:
    edited = Migration(1, "0001_first.sql", "CREATE TABLE other (id integer)")
    with pytest.raises(MigrationRefused, match=r"0001_first\.sql was changed"):
        pending([edited], _APPLIED_FIRST)


def test_a_database_of_a_newer_version_is_refused() -> None:
    applied = {**_APPLIED_FIRST, 2: (_SECOND.name, _SECOND.sha256)}
    with pytest.raises(MigrationRefused, match=r"0002_second\.sql.*newer version"):
        pending([_FIRST], applied)


def test_a_new_file_in_the_middle_is_refused() -> None:
    with pytest.raises(MigrationRefused, match=r"0001_first\.sql is new"):
        pending([_FIRST, _SECOND], {2: (_SECOND.name, _SECOND.sha256)})


@pytest.mark.parametrize("name", ["first.sql", "1_first.sql", "0001.sql", "00x1_first.sql"])
def test_a_file_needs_a_number(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(MigrationRefused, match="not named like"):
        read_migrations(tmp_path)


def test_a_number_is_used_once(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("SELECT 1")
    (tmp_path / "0001_b.sql").write_text("SELECT 1")
    with pytest.raises(MigrationRefused, match="share a number"):
        read_migrations(tmp_path)


async def test_files_are_applied_once_and_in_order(empty: Database, folder: Path) -> None:
    assert await migrate(empty, folder) == ["0900_one.sql", "0901_two.sql"]
    assert await migrate(empty, folder) == []
    assert await empty.fetch("SELECT id FROM one") == []


async def test_two_servers_that_start_at_once_apply_each_file_once(
    empty: Database, folder: Path
) -> None:
    done = await asyncio.gather(migrate(empty, folder), migrate(empty, folder))
    assert sorted(done, key=len) == [[], ["0900_one.sql", "0901_two.sql"]]


async def test_a_file_that_fails_leaves_nothing_and_those_before_it_stay(
    empty: Database, folder: Path
) -> None:
    (folder / "0902_bad.sql").write_text("CREATE TABLE bad (id integer); SELECT nonsense;")
    with pytest.raises(MigrationRefused, match=r"0902_bad\.sql failed: .*nonsense"):
        await migrate(empty, folder)
    assert await empty.fetchval("SELECT to_regclass('bad')") is None
    assert await empty.fetchval("SELECT max(number) FROM schema_migration") == 901


async def test_the_programs_own_schema_is_complete_in_the_template(database: Database) -> None:
    assert await migrate(database) == []
