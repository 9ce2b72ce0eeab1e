"""The SDK's HTTP client of ours, against a real server."""

import asyncio
import io
import subprocess
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from stellar_sdk.exceptions import ConnectionError as StellarConnectionError
from stellar_sdk.exceptions import ContentSizeLimitExceededError

from config.limits import STELLAR_RESPONSE_BYTES_MAX
from metering.settlement.stellar_client import StellarClient


async def echo(request: web.Request) -> web.Response:
    posted = dict(await request.post()) if request.content_type.endswith("urlencoded") else {}
    sent = await request.json() if request.content_type == "application/json" else None
    return web.json_response({"query": dict(request.query), "form": posted, "json": sent})


async def never(request: web.Request) -> web.Response:
    await asyncio.sleep(60)
    raise AssertionError("nobody waits that long")


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 65536)


async def cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def moved(request: web.Request) -> web.Response:
    raise web.HTTPFound("/echo")


async def binary(request: web.Request) -> web.Response:
    return web.Response(body=b"\xff\xfe\xfa")


@pytest.fixture
async def url() -> AsyncIterator[str]:
    application = web.Application()
    handlers = {f.__name__: f for f in (echo, never, endless, cut, moved, binary)}
    for name, handler in handlers.items():
        application.router.add_route("*", f"/{name}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def client() -> AsyncIterator[StellarClient]:
    client = StellarClient(seconds_max=0.5)
    yield client
    await client.close()


async def test_requests_arrive_as_the_sdk_means_them(url: str, client: StellarClient) -> None:
    got = await client.get(f"{url}/echo", params={"a": "1"})
    assert (got.status_code, got.json()["query"]) == (200, {"a": "1"})
    form = await client.post(f"{url}/echo", data={"tx": "AA+/="})
    assert form.json()["form"] == {"tx": "AA+/="}
    sent = await client.post(f"{url}/echo", json_data={"jsonrpc": "2.0"})
    assert sent.json()["json"] == {"jsonrpc": "2.0"}


@pytest.mark.parametrize("path", ["never", "cut", "binary"])
async def test_everything_but_an_answer_is_the_sdks_own_error(
    url: str, client: StellarClient, path: str
) -> None:
    """Above all a timeout, which must not escape as TimeoutError."""
    for request in (client.get(f"{url}/{path}"), client.post(f"{url}/{path}", data={})):
        with pytest.raises(StellarConnectionError):
            await request


async def test_a_server_that_is_away_is_the_sdks_own_error(client: StellarClient) -> None:
    with pytest.raises(StellarConnectionError):
        await client.get("http://127.0.0.1:1/")


async def test_an_answer_without_end_is_cut_off(url: str) -> None:
    client = StellarClient(seconds_max=30)
    with pytest.raises(ContentSizeLimitExceededError) as caught:
        await client.get(f"{url}/endless")
    assert caught.value.limit == STELLAR_RESPONSE_BYTES_MAX
    with pytest.raises(ContentSizeLimitExceededError):
        await client.get(f"{url}/endless", max_content_size=10)
    await client.close()


async def test_redirections_are_not_followed(url: str, client: StellarClient) -> None:
    assert (await client.get(f"{url}/moved")).status_code == 302


async def test_streams_are_not_offered(client: StellarClient) -> None:
    with pytest.raises(StellarConnectionError):
        client.stream("http://127.0.0.1:1/")


async def test_it_can_be_closed_unused_and_used_again_after() -> None:
    client = StellarClient()
    await client.close()
    with pytest.raises(StellarConnectionError):
        await client.get("http://127.0.0.1:1/")
    await client.close()


def test_aiohttp_is_left_as_it_was() -> None:
    """The SDK's own client replaces this method when its extra is installed: uploads break."""
    program = (
        "import aiohttp; before = aiohttp.StreamReader.readline\n"
        "import api.main, api.wallet, api.top_up_money, api.channel_money, stellar_sdk\n"
        "import metering.localnet.server, metering.settlement.open_chain\n"
        "assert aiohttp.StreamReader.readline is before\n"
        "assert aiohttp.streams.StreamReader.readline is before\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


async def test_multipart_uploads_work_beside_the_sdk(url: str) -> None:
    """What the replaced method would break."""

    async def upload(request: web.Request) -> web.Response:
        reader = await request.multipart()
        sizes = {}
        async for part in reader:
            assert isinstance(part, aiohttp.BodyPartReader)
            sizes[part.name] = len(await part.read())
        return web.json_response(sizes)

    application = web.Application(client_max_size=2**23)
    application.router.add_post("/", upload)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    form = aiohttp.FormData()
    form.add_field("f", io.BytesIO(b"a" * 3_000_000), filename="f.bin")
    form.add_field("g", "12345")
    async with aiohttp.ClientSession() as session:
        target = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with session.post(target, data=form) as response:
            assert await response.json() == {"f": 3_000_000, "g": 5}
    await runner.cleanup()
