"""What a wallet's domain is asked, and what it may answer."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver
from stellar_sdk import Keypair

from api.auth.challenge import ChallengeRefused
from api.auth.client_domain import ClientDomains
from api.certificate import own_certificate
from api.public_address import PublicResolver
from config.clock import SystemClock
from config.limits import CLIENT_DOMAIN_BYTES_MAX

NAME = "wallet.example"
KEY = Keypair.random().public_key


class Here(AbstractResolver):
    """Every name is this machine; notes what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
        self.asked.append(host)
        place = {"hostname": host, "host": "127.0.0.1", "port": port}
        return [{**place, "family": 2, "proto": 0, "flags": 0}]

    async def close(self) -> None: ...


class Foreign:
    """A server that answers as a test wants it to."""

    def __init__(self) -> None:
        self.answer = web.Response(text=f'SIGNING_KEY = "{KEY}"')
        self.port = 0

    async def toml(self, _request: web.Request) -> web.Response:
        answer, self.answer = self.answer, web.Response(status=500)
        return answer


@pytest.fixture
async def foreign(tmp_path: Path) -> AsyncIterator[Foreign]:
    foreign, application = Foreign(), web.Application()
    application.add_routes([web.get("/.well-known/stellar.toml", foreign.toml)])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*own_certificate(tmp_path, SystemClock()))
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    foreign.port = runner.addresses[0][1]
    yield foreign
    await runner.cleanup()


async def test_a_domain_tells_the_key_that_signs_for_it(foreign: Foreign) -> None:
    domains = ClientDomains(Here(), foreign.port, tls=False)
    assert await domains.signing_key(NAME) == KEY


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=404),
        web.Response(status=302, headers={"Location": "http://127.0.0.1/"}),
        web.Response(text="x" * (CLIENT_DOMAIN_BYTES_MAX + 1)),
        web.Response(text="SIGNING_KEY = "),
        web.Response(body=b"\xff\xfe"),
        web.Response(text="SIGNING_KEY = 5"),
        web.Response(text=f'SIGNING_KEY = "{Keypair.random().secret}"'),
        web.Response(text='VERSION = "2.7.0"'),
    ],
)
async def test_an_answer_that_is_no_use_is_no_key(foreign: Foreign, answer: web.Response) -> None:
    domains = ClientDomains(Here(), foreign.port, tls=False)
    foreign.answer = answer
    with pytest.raises(ChallengeRefused, match=NAME):
        await domains.signing_key(NAME)


async def test_nobody_is_asked_whose_certificate_is_not_good(foreign: Foreign) -> None:
    before = foreign.answer
    with pytest.raises(ChallengeRefused):
        await ClientDomains(Here(), foreign.port).signing_key(NAME)
    assert foreign.answer is before


@pytest.mark.parametrize(
    "name",
    [
        *("127.0.0.1", "2130706433", "0x7f.1", "[::1]", "localhost", "localhost.", "a..example"),
        *("wallet.example:8443", "user@wallet.example", "wallet.example/x", "wallet.example#"),
        *("WALLET.example", "wallet_.example", "-a.example", "example", "a." * 40 + "example", ""),
    ],
)
async def test_what_is_no_plain_name_is_not_even_looked_up(name: str) -> None:
    resolver = Here()
    with pytest.raises(ChallengeRefused):
        await ClientDomains(resolver).signing_key(name)
    assert resolver.asked == []


async def test_a_name_that_stands_for_this_machine_is_not_asked(
    foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, loop = foreign.answer, asyncio.get_running_loop()

    async def looked_up(*_: Any, **__: Any) -> Any:
        return [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("127.0.0.1", 443))]

    monkeypatch.setattr(loop, "getaddrinfo", looked_up)
    with pytest.raises(ChallengeRefused):
        await ClientDomains(PublicResolver(), foreign.port, tls=False).signing_key(NAME)
    assert foreign.answer is before
