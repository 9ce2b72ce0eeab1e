"""HTTP 402 for paying in: what is asked, what is answered, and x402's own client as a payer."""

import asyncio
import json
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientSession, web
from stellar_sdk import Asset

from api.app import answer_errors
from api.auth.account_postgres import PostgresAccountStore
from api.auth.bearer import Bearers
from api.idempotency import Idempotency
from api.minute_limit import MinuteLimit
from api.presented_payments import PresentedPayments, Taker
from api.top_ups import TopUps
from config.limits import X402_PER_MINUTE_MAX
from config.postgres import Database
from metering.funding.deposit import network_name as deposit_network
from metering.funding.deposits_postgres import PostgresDeposits
from metering.money import Stroops
from metering.settlement.outbox import SignedEnvelope
from metering.x402.errors import NobodyPaysFees, StillUnderWay
from metering.x402.terms import PaymentRefused, Terms
from metering.x402.top_up import TopUp
from tests.api.session_rig import Rig, session_rig
from tests.metering.funding.payments import HOT

PUBLIC_URL = "https://live.example.org"
TESTNET = "Test SDF Network ; September 2015"
LUMENS = Asset.native().contract_id(TESTNET)
SIGNED = SignedEnvelope("AAAA", "hash-1", "GSPONSOR", 7, 1_700_000_000, 5_000, 990)


@dataclass
class MadeUpTaker:
    """Answers as a test wants; notes what it was asked to take."""

    answer: Exception | None = None
    network: str = "stellar:testnet"
    tokens: Mapping[str, str] = field(default_factory=lambda: {"XLM": LUMENS})
    taken: list[tuple[str, Terms]] = field(default_factory=list)

    async def take(self, account: str, asset: str, presented: str, terms: Terms) -> TopUp:
        self.taken.append((presented, terms))
        if self.answer is not None:
            raise self.answer
        return TopUp("top_1", account, "GPAYER", 1, asset, terms.amount, SIGNED, 0)

    async def credit(self) -> None: ...


@dataclass
class Desk:
    """The route, on a port of its own. Without a `taker` the server takes no such payments."""

    rig: Rig
    http: ClientSession
    taker: Taker | None
    url: str = ""

    async def opened(self) -> Taker | None:
        return self.taker

    async def post(
        self, body: Any, status: int, presented: str | None = None, name: str = "PAYMENT-SIGNATURE"
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        headers = {"Authorization": "Bearer vera"}
        if presented is not None:
            headers[name] = presented
        async with self.http.post(self.url, json=body, headers=headers) as answer:
            document = json.loads(await answer.text())
            assert answer.status == status, document
            return document, answer.headers


@asynccontextmanager
async def desk_with(database: Database, taker: Taker, hot: str = HOT) -> AsyncIterator[Desk]:
    async with asyncio.timeout(90), session_rig(database) as rig, AsyncExitStack() as stack:
        desk = Desk(rig, await stack.enter_async_context(ClientSession()), taker)

        async def address() -> str:
            return hot

        payments = PresentedPayments(
            PostgresDeposits(database, rig.ledger, deposit_network(TESTNET)),
            desk.opened,
            address,
            Stroops(1_000),
            MinuteLimit(rig.clock, X402_PER_MINUTE_MAX),
            PUBLIC_URL,
        )
        bearers = Bearers(PostgresAccountStore(database), rig.clock)
        idempotency = Idempotency(rig.keys, rig.clock)
        route = TopUps(payments, bearers, rig.intake, ("XLM", "USDC:GNOBODY"), idempotency)
        application = web.Application(middlewares=[answer_errors])
        application.router.add_post("/top-up", route.post)
        desk.url = f"http://127.0.0.1:{await listening(application, stack)}/top-up"
        yield desk


async def listening(
    application: web.Application, stack: AsyncExitStack, tls: ssl.SSLContext | None = None
) -> int:
    """The port where an application is served until the stack is unwound."""
    runner = web.AppRunner(application)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    port: int = runner.addresses[0][1]
    return port


async def test_a_request_without_a_payment_is_told_how_to_pay(database: Database) -> None:
    async with desk_with(database, MadeUpTaker()) as desk:
        problem, headers = await desk.post({"amount": "2.5"}, 402)
        required = json.loads(b64decode(headers["PAYMENT-REQUIRED"]))
        assert problem["code"] == "payment_required"
        assert problem["accepts"] == required["accepts"]
        [terms] = required["accepts"]
        assert (terms["amount"], terms["asset"]) == ("25000000", LUMENS)
        assert terms["payTo"].startswith("M")
        assert required["resource"]["url"] == f"{PUBLIC_URL}/top-up", "not as a front asks for it"
        for body in ({}, {"amount": "x"}, {"amount": "0.00001"}, {"amount": "1", "asset": "EUR"}):
            await desk.post(body, 400)
        desk.taker = None
        await desk.post({"amount": "1"}, 404)


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        (PaymentRefused("wrong", "Another amount"), 402, "Another amount"),
        (StillUnderWay("GPAYER"), 503, "the payment is under way: present it again"),
        (NobodyPaysFees("GSPONSOR"), 503, "nobody pays the network's fees just now"),
    ],
)
async def test_why_a_payment_is_not_taken_is_told(
    database: Database, answer: Exception, status: int, told: str
) -> None:
    async with desk_with(database, MadeUpTaker(answer)) as desk:
        problem, headers = await desk.post({"amount": "1"}, status, "payment")
        assert problem["detail"] == told
        if status == 402:
            assert json.loads(b64decode(headers["PAYMENT-REQUIRED"]))["error"] == "wrong"


async def test_what_is_on_the_chain_and_not_booked_yet_is_accepted(database: Database) -> None:
    taker = MadeUpTaker()
    async with desk_with(database, taker) as desk:
        for name in ("PAYMENT-SIGNATURE", "X-PAYMENT"):
            document, headers = await desk.post({"amount": "1"}, 202, "payment", name)
            assert (document["credited"], document["transactionHash"]) == (False, "hash-1")
            assert json.loads(b64decode(headers["PAYMENT-RESPONSE"]))["success"] is True
        assert [presented for presented, _ in taker.taken] == ["payment"] * 2
        for _ in range(X402_PER_MINUTE_MAX - 2):
            await desk.post({"amount": "1"}, 202, "payment")
        await desk.post({"amount": "1"}, 429, "payment")
