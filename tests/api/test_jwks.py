"""An issuer's key set, from a real server and from a file."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.jwks import KeySetFile, KeySetServer
from config.clock import ManualClock
from config.limits import KEY_SET_BYTES_MAX
from ingest.issuer_keys import FetchedKeys, FetchFailed
from ingest.key_set import thumbprint, write_key_set
from ingest.publish_token import IssuerKey

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
KEY_SET = json.dumps(write_key_set([KEY])).encode()


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.StreamResponse:
        match request.match_info["what"]:
            case "good":
                return web.Response(body=KEY_SET, content_type="application/jwk-set+json")
            case "elsewhere":
                raise web.HTTPFound("/good")
            case "huge":
                return web.Response(body=b" " * (KEY_SET_BYTES_MAX + 1))
            case _:
                raise web.HTTPNotFound

    application = web.Application()
    application.router.add_get("/{what}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_an_issuers_keys_come_from_its_server(url: str) -> None:
    keys = FetchedKeys("them", KeySetServer(f"{url}/good").fetch, ManualClock())

    assert await keys.find(thumbprint(KEY)) == IssuerKey("them", KEY)


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/elsewhere", "status 302"), ("/none", "status 404"), ("/huge", "more than")],
)
async def test_what_is_no_key_set_of_a_bounded_size_is_told(
    url: str, path: str, reason: str
) -> None:
    with pytest.raises(FetchFailed, match=reason):
        await KeySetServer(url + path).fetch()


async def test_a_server_that_is_away_is_told() -> None:
    with pytest.raises(FetchFailed, match=r"127\.0\.0\.1:1"):
        await KeySetServer("http://127.0.0.1:1/keys").fetch()


async def test_an_issuers_keys_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with pytest.raises(FetchFailed, match="No such file"):
        await KeySetFile(path).fetch()

    path.write_bytes(KEY_SET + b" " * KEY_SET_BYTES_MAX)

    assert (
        await KeySetFile(path).fetch() == (KEY_SET + b" " * KEY_SET_BYTES_MAX)[:KEY_SET_BYTES_MAX]
    )
