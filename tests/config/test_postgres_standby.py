"""A copy of the database that only reads is never asked: what it says of money may be old."""

from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest

from config.embedded_postgres import EmbeddedPostgres
from config.postgres import UNAVAILABLE, Database, DatabaseUnavailable
from config.unprivileged import give_away

pytestmark = pytest.mark.process

# A standby answers only when its origin wrote enough into its log for that.
_SETTINGS = {"fsync": "off", "shared_buffers": "8MB", "wal_level": "replica"}


async def test_a_server_that_has_become_a_standby_is_not_asked_about_money(tmp_path: Path) -> None:
    """Neither by who was connected while it was in charge, nor by who comes then."""
    server = EmbeddedPostgres(tmp_path, _SETTINGS)
    url = await server.start()
    database = await Database.connect(url)
    assert await database.fetchval("SELECT pg_is_in_recovery()") is False
    await server.stop()
    signal = tmp_path / "data" / "standby.signal"
    signal.touch()
    give_away(signal, 0o600)
    await server.start()
    try:
        anybody = await asyncpg.connect(url)
        assert await anybody.fetchval("SELECT pg_is_in_recovery()") is True, "it would answer"
        await anybody.close()
        with pytest.raises(UNAVAILABLE, match="standby"):
            await database.fetchval("SELECT 1")
        with pytest.raises(DatabaseUnavailable, match="standby"):
            await Database.connect(url)
    finally:
        await database.close()
        await server.stop()
