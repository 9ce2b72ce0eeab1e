"""All of admission behind a real RTMP server: nothing that somebody shows is ever written down."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
import structlog
from aiohttp import web

from api.publisher_admission import open_admission
from config.clock import SystemClock
from config.settings import Rtmp, load
from config.tasks import spawn
from config.telemetry import render
from ingest.publish_token import TokenSigner
from ingest.rtmp_server import Listener, RtmpLimits, RtmpServer
from ingest.source import Source
from ingest.source_store import MemorySourceStore
from ingest.stream_key import StreamKey, hash_key, new_key
from media.hub import Hub, Stream
from media.wire.rtmp_client import ClientConnection
from media.wire.rtmp_event import ClientEvent, PublishAccepted, PublishRefused
from media.wire.rtmp_handshake import NONCE_BYTES
from tests.ingest.encoder import Encoder

KEY = new_key(entropy=1 << 159)
WRONG_KEY = new_key(entropy=1 << 158)
SECRET = "q0bGm2vK9lX7sT4uYw1zRr8nHc5dJp3fEa6iLo+/Vg4="
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = Source("src_1", "acc_1", "camera", "Camera", 1, 1, "XLM", NOW)


class Operator:
    """A webhook on a real server that allows at first, and breaks down then."""

    def __init__(self) -> None:
        self.works = True

    async def answer(self, _request: web.Request) -> web.Response:
        if self.works:
            return web.json_response({"allow": True, "ttlSeconds": 0})
        return web.Response(status=500)


class Station:
    """An RTMP server with everything that decides on publishers, some of which is away."""

    def __init__(self, operator: Operator, port: int, signer: TokenSigner) -> None:
        self.operator = operator
        self.port = port
        self.signer = signer

    async def publish(self, stream_name: str, url: str = "rtmp://127.0.0.1/live") -> ClientEvent:
        """What the server says to somebody who publishes this."""
        streams = await asyncio.open_connection("127.0.0.1", self.port)
        encoder = Encoder(*streams, stream_name)
        encoder.core = ClientConnection(
            bytes(NONCE_BYTES), app="live", url=url, stream_name=stream_name
        )
        encoder.flush()
        try:
            return await encoder.answer()
        finally:
            await encoder.close()


def _ignored(stream: Stream) -> None:
    """Nobody watches."""


@pytest.fixture
async def station() -> AsyncIterator[Station]:
    store, signer, clock = MemorySourceStore(), TokenSigner(secrets.token_bytes(32)), SystemClock()
    await store.create(SOURCE, StreamKey("key_1", "src_1", "main", hash_key(KEY), NOW, True))
    operator, application = Operator(), web.Application()
    application.router.add_post("/", operator.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(runner.cleanup)
        settings = _settings(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        admission = await open_admission(settings, store, signer, clock, stack)
        hub = Hub(_ignored, clock)
        server = RtmpServer(
            [Listener("127.0.0.1", 0)], admission, hub, clock, "", RtmpLimits(refusal_ms=1)
        )
        stack.push_async_callback(server.stop)
        await server.start()
        yield Station(operator, server.ports[0], signer)


def _settings(webhook_url: str) -> Rtmp:
    given = {
        "webhook.url": webhook_url,
        "webhook.secret": SECRET,
        "tokens.issuer": "them",
        "tokens.jwks_url": "http://127.0.0.1:1/keys",
    }
    return load([f"--rtmp.{name}={value}" for name, value in given.items()], {}, None).rtmp


async def test_no_key_token_or_secret_is_written_down_whatever_becomes_of_it(
    station: Station,
) -> None:
    token = station.signer.sign("src_1", SystemClock().wall_ms() // 1000, 60)
    strange = TokenSigner(bytes(32)).sign("src_1", SystemClock().wall_ms() // 1000, 60)
    url = f"rtmp://127.0.0.1/live?user=camera&pass={KEY}"
    with structlog.testing.capture_logs() as logs:
        for name in (KEY, f"camera?key={KEY}", token, f"camera?token={token}"):
            assert await station.publish(name) == PublishAccepted(), name
        assert await station.publish("camera", url) == PublishAccepted()
        refusals = [
            await station.publish(name)
            for name in (WRONG_KEY, f"other?key={KEY}", f"camera?token={token}x", f"{KEY}/x")
        ]
        unchecked = await station.publish(strange)
        station.operator.works = False
        undecided = await asyncio.gather(
            *(spawn(station.publish(name), name="publisher") for name in (KEY, token))
        )

    denied = "NetStream.Publish.Denied"
    assert set(refusals) == {PublishRefused(denied, "unknown stream key")}
    assert unchecked == PublishRefused(denied, "stream keys cannot be checked now, try again")
    later = "this publication cannot be checked now, try again"
    assert set(undecided) == {PublishRefused(denied, later)}
    written = f"{logs} {render().decode()}"
    assert "the publish webhook gave no decision" in written
    assert "the issuer's keys cannot be had" in written
    # Not even parts of them; what redaction would still hide does not get that far.
    for secret in (KEY, WRONG_KEY, token, strange, SECRET):
        assert secret[:16] not in written
        assert secret[-16:] not in written
