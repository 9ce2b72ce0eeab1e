"""Who may publish, as a real encoder finds out: tokens, the operator's word, keys and a backup."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import web

from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import Client, client_of, eventually

pytestmark = [pytest.mark.end_to_end, pytest.mark.peer]

SECRET = "q0bGm2vK9lX7sT4uYw1zRr8nHc5dJp3fEa6iLo+/Vg4="
SMALL = "320x180"


class Operator:
    """A webhook that believes signed questions only, and lets in whom it is told to."""

    def __init__(self) -> None:
        self.refusal = ""
        self.asked: list[dict[str, Any]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        body, named = await request.text(), request.headers
        signed = f"{named['webhook-id']}.{named['webhook-timestamp']}.{body}".encode()
        digest = hmac.digest(base64.b64decode(SECRET), signed, hashlib.sha256)
        if named["webhook-signature"] != f"v1,{base64.b64encode(digest).decode()}":
            return web.Response(status=401)
        self.asked.append(await request.json())
        if self.refusal:
            return web.json_response({"allow": False, "reason": self.refusal})
        return web.json_response({"allow": True, "ttlSeconds": 0})


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    operator = Operator()
    application = web.Application()
    application.router.add_post("/", operator.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    operator.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield operator
    await runner.cleanup()


async def until(creator: Client, source: str, **wanted: object) -> dict[str, Any]:
    """The source's document, as soon as it says this."""

    async def said() -> dict[str, Any] | None:
        document: dict[str, Any] = await creator.get(f"/api/v1/sources/{source}")
        roles = [one["role"] for one in document["publishers"]]
        seen = {**document, "roles": roles}
        return document if all(seen[name] == value for name, value in wanted.items()) else None

    return await eventually(said, 60, f"{wanted}")


async def ended(process: asyncio.subprocess.Process) -> str:
    """What an encoder says when it gives up by itself."""
    async with asyncio.timeout(60):
        _, said = await process.communicate()
    assert process.returncode != 0
    return said.decode(errors="replace")


async def test_a_token_publishes_if_the_operator_agrees(start: Any, operator: Operator) -> None:
    webhook = (f"--rtmp.webhook.url={operator.url}", f"--rtmp.webhook.secret=whsec_{SECRET}")
    server = await start(*webhook)
    async with client_of(server, **server.creator) as creator:
        made = await creator.post("/api/v1/sources", {"name": "stage"}, status=201)
        source = made["source"]["id"]
        path = f"/api/v1/sources/{source}/publish-token"
        token = await creator.post(path, {"seconds": 60}, status=201)

        async with publishing(token["rtmpUrl"], size=SMALL):
            await until(creator, source, state="live", roles=["active"])
        operator.refusal = "not on Sundays"
        async with publishing(token["rtmpUrl"], size=SMALL) as refused:
            assert "not on Sundays" in await ended(refused)

    assert [one["data"]["sourceId"] for one in operator.asked] == [source, source]


async def test_a_backup_goes_on_and_a_revoked_key_does_not(server: Any) -> None:
    async with client_of(server, **server.creator) as creator, AsyncExitStack() as encoders:
        body = {"name": "stage", "takeover": "standby"}
        made = await creator.post("/api/v1/sources", body, status=201)
        source = made["source"]["id"]
        guest = await creator.post(f"/api/v1/sources/{source}/keys", {"label": "guest"}, status=201)
        urls = [f"{server.rtmp_url}/{key}" for key in (made["streamKey"], guest["streamKey"])]
        first = await encoders.enter_async_context(publishing(urls[0], size=SMALL))
        live = await until(creator, source, state="live", roles=["active"])
        second = await encoders.enter_async_context(publishing(urls[1], size=SMALL))
        await until(creator, source, roles=["active", "standby"])

        first.kill()

        assert (await until(creator, source, roles=["active"]))["assetId"] == live["assetId"]
        at = f"/api/v1/sources/{source}/keys/{guest['key']['id']}"
        async with creator.http.delete(at) as answer:
            assert answer.status == 204
        assert "no longer good" in await ended(second)
        await until(creator, source, state="reconnecting", assetId=live["assetId"])
