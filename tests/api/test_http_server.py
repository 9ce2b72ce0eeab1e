"""The HTTP rim closes connections that say nothing and keeps those that do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web

from api.delivery.watch import Deadlines
from api.http_server import HttpServer


async def _hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    application = web.Application()
    application.router.add_get("/", _hello)
    deadlines = Deadlines(head_ms=200, watch_ms=50)
    server = HttpServer(application, "127.0.0.1", 0, deadlines=deadlines)
    await server.start()
    yield server
    await server.stop()


async def test_half_open_requests_are_cut_and_others_answered(server: HttpServer) -> None:
    connections = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(50)]
    for _, writer in connections:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    async with ClientSession(f"http://127.0.0.1:{server.port}") as http:
        async with http.get("/") as answer:
            assert await answer.text() == "hello"
        async with asyncio.timeout(30):
            for reader, writer in connections:
                with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                    await reader.readexactly(1)
                await _close(writer)
        async with http.get("/") as answer:
            assert answer.status == 200


async def test_a_kept_connection_outlives_the_head_deadline(server: HttpServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for _ in range(2):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(30):
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        quiet, quiet_writer = await asyncio.open_connection("127.0.0.1", server.port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await quiet.readexactly(1)  # cut after the deadline: so much time has passed
        await _close(quiet_writer)
    await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
