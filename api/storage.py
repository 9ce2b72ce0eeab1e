"""The database: the configured one, or our own Postgres when none is."""

import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from config.embedded_postgres import SERVER_ROLE, SIGNER_ROLE, EmbeddedPostgres
from config.migrate import migrate
from config.postgres import Database
from config.roles import grant_to_server, grant_to_signer
from config.settings import Settings
from config.tasks import cancel, spawn


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """Where the schema's owner connects, and where the server does; they may be the same.

    `signer` is the role that whoever signs payouts connects as; empty when it is the server's.
    """

    owner: str
    server: str
    signer: str

    def __repr__(self) -> str:
        return "DatabaseUrls(...)"  # both have passwords


async def open_urls(settings: Settings, data: Path, stack: AsyncExitStack) -> DatabaseUrls:
    """The configured URLs, or those of our own Postgres, which ends with the stack."""
    server = settings.database.url.get_secret_value()
    if server:
        owner = settings.database.owner_url.get_secret_value() or server
        signer = urlsplit(settings.database.signer_url.get_secret_value()).username or ""
        return DatabaseUrls(owner, server, unquote(signer))
    embedded = EmbeddedPostgres(data / "postgres")
    stack.push_async_callback(embedded.stop)
    owner = await embedded.start()
    watch = spawn(embedded.keep_running(), name="embedded postgres")
    stack.push_async_callback(cancel, watch)
    return DatabaseUrls(owner, embedded.url(SERVER_ROLE), SIGNER_ROLE)


async def open_storage(
    settings: Settings, data: Path, stack: AsyncExitStack
) -> tuple[Database, DatabaseUrls]:
    """Migrate as the owner, and connect as the server; what was started ends with the stack."""
    urls = await open_urls(settings, data, stack)
    return await _open_database(urls, stack), urls


async def _open_database(urls: DatabaseUrls, stack: AsyncExitStack) -> Database:
    database = await Database.connect(urls.server)
    stack.push_async_callback(database.close)
    server = await database.fetchval("SELECT current_user")
    if urls.owner == urls.server:
        await _prepare(database, "", urls.signer)
        return database
    owner = await Database.connect(urls.owner, pool_size=1)
    try:
        await _prepare(owner, server, urls.signer)
    finally:
        await owner.close()
    return database


async def _prepare(owner: Database, server: str, signer: str) -> None:
    """Migrate, and give the other roles what they need; no role: it is the owner's own."""
    await migrate(owner)
    if server:
        await grant_to_server(owner, server)
    if signer and signer != server:
        await grant_to_signer(owner, signer)


def free_bytes(data: Path) -> int:
    """What is left on the disk that holds the media."""
    status = os.statvfs(data)
    return status.f_bavail * status.f_frsize


def archive_directory(data: Path) -> Path:
    """Where transfers go that leave the database."""
    return data / "ledger"
