"""Whatever is asked through a trusted front is asked by the client: limits, sockets, streams."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from aiohttp import ClientSession, TCPConnector, web
from structlog.testing import capture_logs

from api.app import answer_errors
from api.auth.door_limits import admit
from api.behind_fronts import BehindFronts, Handler
from api.http_server import HttpServer
from api.minute_limit import MinuteLimit
from config.clock import ManualClock

FRONT, STRANGER = "127.0.0.1", "127.0.0.2"
TRUSTED = ("127.0.0.1/32",)


async def _name(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(text=request.remote)


async def _socket(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str(request.remote or "")
    await socket.send_str(await socket.receive_str())
    await socket.close()
    return socket


async def _events(request: web.Request) -> web.StreamResponse:
    stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await stream.prepare(request)
    await stream.write(f"data: {request.remote}\n\n".encode())
    return stream


def _knock(limit: MinuteLimit) -> Handler:
    async def knock(request: web.Request) -> web.StreamResponse:
        admit(limit, request)
        return web.Response()

    return knock


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def served(stack: AsyncExitStack, trusted: tuple[str, ...] = TRUSTED) -> str:
    fronts = BehindFronts(trusted)
    application = web.Application(middlewares=[answer_errors, fronts.middleware])
    application.router.add_get("/name", _name)
    application.router.add_post("/name", _name)
    application.router.add_get("/socket", _socket)
    application.router.add_get("/events", _events)
    application.router.add_get("/knock", _knock(MinuteLimit(ManualClock(), 2)))
    server = HttpServer(application, "127.0.0.1", 0)
    await server.start()
    stack.push_async_callback(server.stop)
    return f"http://127.0.0.1:{server.port}"


async def client(stack: AsyncExitStack, url: str, address: str) -> ClientSession:
    """Whose sockets have this address."""
    connector = TCPConnector(local_addr=(address, 0))
    return await stack.enter_async_context(ClientSession(url, connector=connector))


def by(name: str) -> dict[str, str]:
    return {"X-Forwarded-For": name}


async def test_a_socket_a_stream_and_a_body_are_of_whom_the_front_names(
    stack: AsyncExitStack,
) -> None:
    front = await client(stack, await served(stack), FRONT)
    for _ in range(2):  # the connection is kept
        async with front.post("/name", data=b"x" * 100_000, headers=by("192.0.2.7:9")) as answer:
            assert await answer.text() == "192.0.2.7"
    async with front.get("/events", headers={"Forwarded": "for=192.0.2.7"}) as answer:
        assert await answer.text() == "data: 192.0.2.7\n\n"
    async with front.ws_connect("/socket", headers=by("2001:db8::7")) as socket:
        assert await socket.receive_str() == "2001:db8::7"
        await socket.send_str("talk goes on")
        assert await socket.receive_str() == "talk goes on"


async def test_a_limit_counts_clients_and_the_front_for_whom_it_does_not_name(
    stack: AsyncExitStack,
) -> None:
    front = await client(stack, await served(stack), FRONT)

    async def knock(name: str) -> int:
        async with front.get("/knock", headers=by(name)) as answer:
            return answer.status

    for one in ("192.0.2.7", "2001:db8:1:1::7", "unknown"):
        assert [await knock(one) for _ in range(3)] == [200, 200, 429]
    assert await knock("2001:db8:1:1::8") == 429, "of the same network"
    assert await knock("_hidden") == 429, "not told either"
    assert await knock("192.0.2.8") == 200


async def test_a_stranger_cannot_name_anybody(stack: AsyncExitStack) -> None:
    stranger = await client(stack, await served(stack), STRANGER)
    names = ("192.0.2.7", "192.0.2.8", "192.0.2.9")
    statuses = []
    for name in names:
        async with stranger.get("/knock", headers=by(name)) as answer:
            statuses.append(answer.status)
        async with stranger.get("/name", headers={"Forwarded": f"for={name}"}) as answer:
            assert await answer.text() == STRANGER
    assert statuses == [200, 200, 429]


async def test_a_front_that_was_forgotten_is_told_of_once(stack: AsyncExitStack) -> None:
    with capture_logs() as told:
        front = await client(stack, await served(stack, ()), FRONT)
        async with front.get("/name") as answer:
            assert await answer.text() == FRONT
        assert told == []
        for _ in range(2):
            async with front.get("/name", headers=by("192.0.2.7")) as answer:
                assert await answer.text() == FRONT
    assert [each["address"] for each in told] == [FRONT]
    assert "http.trusted_proxies" in told[0]["event"]
