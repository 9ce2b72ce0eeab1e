"""aiohttp's server with the deadlines it lacks: a request head must arrive in time."""

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from config.limits import HTTP_HEAD_SECONDS_MAX, HTTP_KEEP_ALIVE_SECONDS, HTTP_SHUTDOWN_SECONDS


class _DeadlineHandler(RequestHandler):
    """One connection; cut when it has not completed its first request head in time.

    aiohttp times idle keep-alive connections itself, but waits for ever for a first head: 2,000
    half-open connections stay open as long as their owner likes.
    """

    __slots__ = ("_head_deadline",)

    _head_deadline: asyncio.TimerHandle | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._head_deadline = self._loop.call_later(HTTP_HEAD_SECONDS_MAX, self._cut)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_deadline is not None and (self._messages or self._current_request):
            self._head_deadline.cancel()
            self._head_deadline = None

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
        super().connection_lost(exc)

    def _cut(self) -> None:
        self._head_deadline = None
        if self.transport is not None:
            self.transport.abort()


class _DeadlineServer(web.Server):
    def __call__(self) -> RequestHandler:
        return _DeadlineHandler(self, loop=self._loop, **self._kwargs)


class HttpServer:
    """Serves one application on one address until stopped."""

    def __init__(self, application: web.Application, host: str, port: int) -> None:
        self._application = application
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The bound port; differs from the asked one when that was 0."""
        return self._port

    async def start(self) -> None:
        options: dict[str, Any] = {
            "access_log": None,
            "keepalive_timeout": HTTP_KEEP_ALIVE_SECONDS,
            "shutdown_timeout": HTTP_SHUTDOWN_SECONDS,
            "handler_cancellation": True,
        }
        self._runner = web.AppRunner(self._application, **options)
        await self._runner.setup()
        server = self._runner.server
        assert server is not None, "a runner that is set up has a server"
        # aiohttp offers no hook for its protocol class; the server object is its factory.
        server.__class__ = _DeadlineServer
        site = web.TCPSite(self._runner, self._host, self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
