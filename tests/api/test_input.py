"""Bodies are parsed into values or refused with everything that is wrong."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web

from api.app import answer_errors
from api.http_server import HttpServer
from api.input import CreateSource, StartSession, read_body


async def _create(request: web.Request) -> web.Response:
    body = await read_body(request, CreateSource)
    return web.json_response({"name": body.name})


async def _start(request: web.Request) -> web.Response:
    return web.json_response({"content": (await read_body(request, StartSession)).contentId})


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    application = web.Application(client_max_size=2000, middlewares=[answer_errors])
    application.router.add_post("/create", _create)
    application.router.add_post("/start", _start)
    server = HttpServer(application, "127.0.0.1", 0)
    await server.start()
    async with ClientSession(f"http://127.0.0.1:{server.port}") as session:
        yield session
    await server.stop()


async def test_every_fault_is_named_with_its_place(http: ClientSession) -> None:
    body = {"name": "Not A Name", "price": {"stroops": 1.5, "seconds": 0}, "extra": 1}
    async with http.post("/create", json=body) as answer:
        problem = await answer.json()
    assert answer.status == 400
    for place in ("name:", "price.stroops:", "price.seconds:", "extra:"):
        assert place in problem["detail"]


async def test_a_good_body_is_taken(http: ClientSession) -> None:
    async with http.post("/create", json={"name": "my-stream"}) as answer:
        assert await answer.json() == {"name": "my-stream"}


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 1500, b"[]", b'"x"', b"null", b"NaN"])
async def test_what_is_not_an_object_is_refused(http: ClientSession, body: bytes) -> None:
    async with http.post("/start", data=body) as answer:
        assert answer.status == 400
        assert answer.content_type == "application/problem+json"


async def test_a_body_over_the_limit_is_refused(http: ClientSession) -> None:
    async with http.post("/start", data=b" " * 3000) as answer:
        assert answer.status == 413


async def test_an_unknown_path_answers_a_problem(http: ClientSession) -> None:
    async with http.get("/nowhere") as answer:
        assert answer.status == 404
        assert (await answer.json())["code"] == "not_found"
