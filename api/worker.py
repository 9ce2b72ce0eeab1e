"""`tollcast worker`: makes uploads beside a server, with its database and its data directory."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
import uvloop

from api.catalogue.asset_postgres import PostgresAssetStore
from api.data_layout import signer_folder
from api.ground import StartFailed
from api.jail import JailTooWeak, check_jail
from api.making import open_making
from api.signer_process import stay_out
from config import logs
from config.clock import SystemClock
from config.embedded_postgres import SERVER_ROLE, url_of_running
from config.migrate import MigrationRefused, migrate
from config.postgres import Database, DatabaseUnavailable
from config.settings import Settings

log = structlog.get_logger(__name__)


def work(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM; jobs that are not done then are given back at once.

    Raises:
        StartFailed: there is no database to be reached, or the jail is not strong enough.
    """
    logs.set_up(settings.log.level, settings.log.format)
    data = settings.data_directory.absolute()
    if signer_folder(data).exists():  # beside a server; elsewhere there is no key
        stay_out(data)
    uvloop.run(_work(settings))


async def _work(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    data = settings.data_directory.absolute()
    async with AsyncExitStack() as stack:
        await _require_jail(settings)
        database = await _reach(settings, data, stack)
        making = open_making(settings, data, database, PostgresAssetStore(database), SystemClock())
        if making.workers == 0:
            raise StartFailed("jobs.workers is 0: this worker would do nothing")
        stack.push_async_callback(making.uploads.stop)
        stack.push_async_callback(making.runner.stop)
        await making.runner.start()
        log.info("worker is ready", jobs_at_once=making.workers)
        await stopping.wait()


async def _require_jail(settings: Settings) -> None:
    try:
        await check_jail(settings.jail_level_minimum)
    except JailTooWeak as error:
        raise StartFailed(str(error)) from error


async def _reach(settings: Settings, data: Path, stack: AsyncExitStack) -> Database:
    """The configured database, or the one that a server runs in the same data directory."""
    url = settings.database.url.get_secret_value() or url_of_running(data / "postgres", SERVER_ROLE)
    if url is None:
        raise StartFailed(
            f"no database: set database.url, or the data_directory of a server that runs ({data})"
        )
    try:
        database = await Database.connect(url)
        stack.push_async_callback(database.close)
        await migrate(database)
    except (DatabaseUnavailable, MigrationRefused) as error:
        raise StartFailed(str(error)) from error
    return database
