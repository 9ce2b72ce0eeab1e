"""What only the SourceStore in Postgres has: a past."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

import config
from config.migrate import migrate
from config.postgres import Database
from ingest.source import Source
from ingest.source_postgres import PostgresSourceStore
from ingest.stream_key import StreamKey

SCHEMA = Path(config.__file__).parent / "schema"
CREATED_AT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
async def older(database: Database, tmp_path: Path) -> Database:
    """A database as the version left it that had one key for each source."""
    await database.execute("drop schema public cascade; create schema public")
    for file in SCHEMA.glob("000[1-6]_*.sql"):
        shutil.copy(file, tmp_path)
    await migrate(database, tmp_path)
    return database


async def test_a_key_from_before_there_were_several_still_opens_its_source(
    older: Database,
) -> None:
    await older.execute(
        "insert into account (id, kind, display_name, token_hash, created_at)"
        " values ('acc_1', 'creator', 'Ada', '\\x01', now())"
    )
    await older.execute(
        "insert into source (id, owner, name, title, price_stroops, price_seconds, price_asset,"
        " key_hash, created_at) values ('src_1', 'acc_1', 'camera', 'Camera', 1, 2, 'XLM', $1, $2)",
        b"k" * 32,
        CREATED_AT,
    )

    await migrate(older)

    source = Source("src_1", "acc_1", "camera", "Camera", 1, 2, "XLM", CREATED_AT)
    key = StreamKey("key_1", "src_1", "main", b"k" * 32, CREATED_AT, is_main=True)
    assert await PostgresSourceStore(older).by_key_hash(b"k" * 32) == (source, key)
