"""The database: the configured one, or our own Postgres when none is."""

import os
from contextlib import AsyncExitStack
from pathlib import Path

from config.embedded_postgres import EmbeddedPostgres
from config.migrate import migrate
from config.postgres import Database
from config.settings import Settings


async def open_database(settings: Settings, data: Path, stack: AsyncExitStack) -> Database:
    """Connect and migrate; what was started here ends with the stack."""
    url = settings.database.url.get_secret_value()
    if not url:
        embedded = EmbeddedPostgres(data / "postgres")
        stack.push_async_callback(embedded.stop)
        url = await embedded.start()
    database = await Database.connect(url)
    stack.push_async_callback(database.close)
    await migrate(database)
    return database


def free_bytes(data: Path) -> int:
    """What is left on the disk that holds the media."""
    status = os.statvfs(data)
    return status.f_bavail * status.f_frsize
