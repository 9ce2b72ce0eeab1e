"""Asking friendbot, and what it may say instead."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from metering.settlement.chain import ChainUnreachable
from metering.settlement.friendbot import HttpFriendbot
from metering.settlement.stellar_client import StellarClient


@pytest.fixture
async def url() -> AsyncIterator[str]:
    answers = {
        "GOOD": web.json_response({"hash": "ab", "successful": True}),
        "RICH": web.json_response({"title": "already funded"}, status=400),
        "ODD": web.json_response(["hash"]),
        "NONE": web.json_response({}),
        "TEXT": web.Response(text="out of order"),
    }

    async def friendbot(request: web.Request) -> web.Response:
        return answers[request.query["addr"]]

    application = web.Application()
    application.router.add_get("/friendbot", friendbot)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/friendbot"
    await runner.cleanup()


async def test_the_hash_of_the_gift_is_told(url: str) -> None:
    client = StellarClient()
    assert await HttpFriendbot(url, client).fund("GOOD") == "ab"
    await client.close()


@pytest.mark.parametrize("address", ["RICH", "ODD", "NONE", "TEXT"])
async def test_everything_else_is_no_gift(url: str, address: str) -> None:
    client = StellarClient()
    with pytest.raises(ChainUnreachable):
        await HttpFriendbot(url, client).fund(address)
    await client.close()
    with pytest.raises(ChainUnreachable):
        await HttpFriendbot("http://127.0.0.1:1/friendbot", client).fund("GOOD")
    await client.close()
