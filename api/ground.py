"""What everything else stands on: an address, data, a database, a Stellar network and a jail."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from api.jail import JailTooWeak, check_jail
from api.local_network import LocalNetwork
from api.serving.listeners import open_listeners
from api.signer_process import SignerProcess
from api.storage import DatabaseUrls, open_storage
from config.layout import PackageShadowed, check_layout
from config.migrate import MigrationRefused
from config.postgres import Database, DatabaseUnavailable
from config.postgres_cluster import EmbeddedPostgresFailed
from config.settings import Settings
from media.jail.report import JailReport

_EXPECTED = (
    DatabaseUnavailable,
    EmbeddedPostgresFailed,
    JailTooWeak,
    MigrationRefused,
    OSError,
    PackageShadowed,
)


class StartFailed(Exception):
    """The server could not start; the text says why."""


@dataclass(frozen=True, slots=True)
class Network:
    """Which Stellar network money moves on; `local` when it is our own, with play money."""

    rpc_url: str
    passphrase: str
    local: LocalNetwork | None = None
    horizon_url: str = ""
    """Asked where there is no `rpc_url`."""

    @property
    def play_money(self) -> bool:
        return self.local is not None


@dataclass(frozen=True, slots=True)
class Ground:
    settings: Settings
    data: Path
    database: Database
    database_urls: DatabaseUrls
    network: Network
    signer: SignerProcess
    jail: JailReport | None
    listeners: Sequence[Sequence[socket.socket]]
    """For each process that serves HTTP those that it accepts on; clients wait there already."""


async def lay_ground(settings: Settings, signer: SignerProcess, stack: AsyncExitStack) -> Ground:
    """Start what is ours and reach what is not; it ends with the stack, but for the signer.

    Raises:
        StartFailed: one of it cannot be had.
    """
    try:
        check_layout()
        data = settings.data_directory.absolute()
        listeners = _listen(settings, stack)
        network = _open_network(settings, data, stack)
        async with asyncio.TaskGroup() as together:
            storage = together.create_task(open_storage(settings, data, stack))
            jail = together.create_task(check_jail(settings.jail_level_minimum))
    except* _EXPECTED as failed:
        raise StartFailed(_first(failed)) from None
    database, urls = storage.result()
    return Ground(settings, data, database, urls, network, signer, jail.result(), listeners)


def _listen(settings: Settings, stack: AsyncExitStack) -> Sequence[Sequence[socket.socket]]:
    """Listen before anything can be answered: when a server that was killed starts again, its
    viewers wait for a second in the socket's queue, and are not refused.
    """
    http = settings.http
    listeners = open_listeners(http.host, http.port, http.processes)
    for listener in (each for mine in listeners for each in mine):
        stack.callback(listener.close)
    return listeners


def _first(failed: BaseExceptionGroup[Exception]) -> str:
    first = failed.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else str(first)


def _open_network(settings: Settings, data: Path, stack: AsyncExitStack) -> Network:
    """The configured network, or our own local one when none is; that one is started later, by what
    needs it: viewers do not.
    """
    stellar = settings.stellar
    if stellar.rpc_url or stellar.horizon_url:
        passphrase = stellar.network_passphrase
        return Network(stellar.rpc_url, passphrase, horizon_url=stellar.horizon_url)
    local = LocalNetwork(data / "localnet" / "localnet.state", data / "localnet.log")
    stack.push_async_callback(local.stop)
    return Network(local.url, local.passphrase, local)
