"""The HTTP server: one port for media and everything else, with deadlines for all of it."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from api.auth.client import Clients
from api.delivery.connection import Connection, Site
from api.delivery.lending import ApiServer, Borrower
from api.delivery.playback import Playback
from api.delivery.watch import Deadlines, Watch
from api.serving.resumed import Resumed
from config.clock import Clock, SystemClock
from config.limits import HTTP_BACKLOG, HTTP_SHUTDOWN_SECONDS
from config.tasks import spawn

# Connections are watched by us: a handler of aiohttp's may not end one that is busy elsewhere.
_FOR_EVER_SECONDS = 10 * 366 * 86_400


class HttpServer:
    """Serves one application, and media, on one address until stopped."""

    def __init__(  # noqa: PLR0913  # one place wires it
        self,
        application: web.Application,
        host: str,
        port: int,
        playback: Playback | None = None,
        clock: Clock | None = None,
        deadlines: Deadlines | None = None,
        clients: Clients | None = None,
    ) -> None:
        self._application = application
        self._host = host
        self._port = port
        self._playback = playback
        self._clients = clients or Clients()
        self._watch = Watch(clock or SystemClock(), deadlines or Deadlines())
        self._runner: web.AppRunner | None = None
        self._servers: Sequence[asyncio.Server] = ()
        self._site: Site
        self._is_stopped = False

    @property
    def port(self) -> int:
        """The bound port; differs from the asked one when that was 0."""
        return self._port

    async def start(self, listeners: Sequence[socket.socket] = ()) -> None:
        """Serve; on `listeners`, if there are any, rather than on the address."""
        options: dict[str, Any] = {
            "access_log": None,
            "keepalive_timeout": _FOR_EVER_SECONDS,
            "shutdown_timeout": HTTP_SHUTDOWN_SECONDS,
            "handler_cancellation": True,
        }
        self._runner = web.AppRunner(self._application, **options)
        await self._runner.setup()
        api = self._runner.server
        assert api is not None, "a runner that is set up has a server"
        # aiohttp offers no hook for its protocol class; the server object is its factory.
        api.__class__ = ApiServer
        assert isinstance(api, ApiServer)
        self._site = Site(self._playback, _Lending(api), self._watch, self._clients)
        self._watch.start()
        self._servers = await (self.listen(listeners) if listeners else self._bind())
        self._port = self._servers[0].sockets[0].getsockname()[1]

    async def _bind(self) -> Sequence[asyncio.Server]:
        server = await asyncio.get_running_loop().create_server(
            self._connection, self._host, self._port, backlog=HTTP_BACKLOG, reuse_address=True
        )
        return [server]

    async def listen(self, listeners: Sequence[socket.socket]) -> Sequence[asyncio.Server]:
        """Accept on these as well, until the servers that are returned are closed."""
        loop = asyncio.get_running_loop()
        return [
            await loop.create_server(self._connection, sock=each.dup(), backlog=HTTP_BACKLOG)
            for each in listeners  # which stay the caller's
        ]

    def take(self, connection: socket.socket, data: bytes) -> None:
        """Go on with a connection that another process accepted, and of which it has read this."""
        if self._is_stopped:
            connection.close()
            return
        connection.setblocking(False)
        taking = asyncio.get_running_loop().connect_accepted_socket(
            lambda: Resumed(self._connection(), data), connection
        )
        # Nobody waits for it, whatever becomes of it.
        _ = spawn(taking, name="take a connection")

    def _connection(self) -> Connection:
        return Connection(self._site)

    async def stop(self) -> None:
        """Accept no more; requests under way have a moment to end."""
        self._is_stopped = True
        for server in self._servers:
            server.close()
        self._watch.end_all()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._watch.emptied(HTTP_SHUTDOWN_SECONDS)
        self._watch.stop()
        self._site.images.close()


class _Lending:
    """Lends connections to aiohttp."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    def borrow(self, connection: Connection) -> Borrower:
        return Borrower(self._api, connection)
