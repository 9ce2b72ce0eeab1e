"""The database for a command, whether its server runs or not."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from api.remote import CommandFailed
from config.embedded_postgres import (
    SERVER_ROLE,
    DirectoryInUse,
    EmbeddedPostgres,
    url_of_running,
)
from config.postgres import UNAVAILABLE, Database, DatabaseUnavailable, PostgresError
from config.postgres_cluster import EmbeddedPostgresFailed
from config.settings import Settings


@asynccontextmanager
async def command_database(settings: Settings, statement_ms_max: int) -> AsyncIterator[Database]:
    """The database that the settings name, or the embedded one.

    Raises:
        CommandFailed: there is none, or it cannot be used; also for what it says inside.
    """
    async with AsyncExitStack() as stack:
        try:
            url = settings.database.url.get_secret_value()
            if not url:
                url = await _embedded_url(settings.data_directory.absolute() / "postgres", stack)
            database = await Database.connect(url, pool_size=1, statement_ms_max=statement_ms_max)
            stack.push_async_callback(database.close)
            yield database
        except (*UNAVAILABLE, DatabaseUnavailable, EmbeddedPostgresFailed, PostgresError) as error:
            raise CommandFailed(str(error) or type(error).__name__) from error


async def _embedded_url(directory: Path, stack: AsyncExitStack) -> str:
    """That of the server that runs, or else of one that is started for this."""
    if not (directory / "data").is_dir():
        raise CommandFailed(f"no ledger in {directory.parent}: set data_directory or database.url")
    embedded = EmbeddedPostgres(directory)
    try:
        await embedded.start()
    except DirectoryInUse:
        url = url_of_running(directory, SERVER_ROLE)
        if url is None:
            raise CommandFailed(
                "the server that runs is an older version, or just starts"
            ) from None
        return url
    stack.push_async_callback(embedded.stop)
    return embedded.url(SERVER_ROLE)
