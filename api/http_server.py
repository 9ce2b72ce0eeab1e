"""The HTTP server: one port for media and everything else, with deadlines for all of it."""

import asyncio
from typing import Any

from aiohttp import web

from api.delivery.connection import Connection, Site
from api.delivery.lending import ApiServer, Borrower
from api.delivery.playback import Playback
from api.delivery.watch import Deadlines, Watch
from config.clock import Clock, SystemClock
from config.limits import HTTP_BACKLOG, HTTP_SHUTDOWN_SECONDS

# Connections are watched by us: a handler of aiohttp's may not end one that is busy elsewhere.
_FOR_EVER_SECONDS = 10 * 366 * 86_400


class HttpServer:
    """Serves one application, and media, on one address until stopped."""

    def __init__(
        self,
        application: web.Application,
        host: str,
        port: int,
        playback: Playback | None = None,
        clock: Clock | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        self._application = application
        self._host = host
        self._port = port
        self._playback = playback
        self._watch = Watch(clock or SystemClock(), deadlines or Deadlines())
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The bound port; differs from the asked one when that was 0."""
        return self._port

    async def start(self) -> None:
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
        site = Site(self._playback, _Lending(api), self._watch)
        self._watch.start()
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(site),
            self._host,
            self._port,
            backlog=HTTP_BACKLOG,
            reuse_address=True,
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Accept no more; requests under way have a moment to end."""
        if self._server is not None:
            self._server.close()
        self._watch.end_all()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._watch.emptied(HTTP_SHUTDOWN_SECONDS)
        self._watch.stop()


class _Lending:
    """Lends connections to aiohttp."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    def borrow(self, connection: Connection) -> Borrower:
        return Borrower(self._api, connection)
