"""The routes of payment channels on a real socket, over a real database; the chain is a model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from nacl.signing import SigningKey

from api.app import answer_errors
from api.auth.account import AccountKind, hash_token, new_account
from api.auth.account_postgres import PostgresAccountStore
from api.auth.bearer import Bearers
from api.channel_chain import ChannelChain
from api.idempotency import Idempotency
from api.idempotency_postgres import PostgresIdempotencyStore
from api.minute_limit import MinuteLimit
from api.movements_postgres import PostgresMovements
from api.payment_channels import PaymentChannels
from config.clock import ManualClock, SystemClock
from config.postgres import Database
from metering.intake import Intake
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops, format_amount
from metering.rules import MeterRules
from metering.store_postgres import PostgresMeterStore
from metering.vouchers.commitment import Commitments, network_id
from metering.vouchers.desk import VoucherDesk
from metering.vouchers.store_postgres import PostgresVoucherStore
from tests.metering.vouchers.chain_model import TERMS, ChainModel
from tests.metering.vouchers.test_desk import CONTRACT

CHANNELS = "/api/v1/payments/channels"
PLAY = "/api/v1/sandbox/payment-channels"
PLAY_URL = "http://127.0.0.1:1/"
DEPOSIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Unhurried(ChannelChain):
    """The chain, with nobody who collects; notes whose contracts it was asked to make."""

    made: list[bytes] = field(default_factory=list)

    async def hurry(self) -> None:
        return

    async def open_in_play(self, key: bytes, amount: Stroops) -> str:
        self.made.append(key)
        return f"C{len(self.made)}"


class Rig:
    """A viewer with a payment channel of `DEPOSIT` stroops.

    Attributes:
        peers: where requests came from, each an address and a port: connections.
    """

    def __init__(
        self, database: Database, server: TestServer, session: ClientSession, owner: str
    ) -> None:
        self.ledger = PostgresLedger(database)
        self.movements = PostgresMovements(database)
        self.vouchers = PostgresVoucherStore(database, self.ledger)
        self.owner = owner
        self.chain = ChainModel()
        self.peers: set[object] = set()
        self._server = server
        self._session = session
        self._key = SigningKey.generate()
        self.chain.open(CONTRACT, bytes(self._key.verify_key), DEPOSIT)
        self._commitments = Commitments(CONTRACT, network_id(TERMS.passphrase))

    def voucher(self, stroops: int) -> dict[str, str]:
        signature = self._key.sign(self._commitments.message(stroops)).signature
        return {"cumulative": format_amount(stroops), "signature": signature.hex()}

    async def post(
        self,
        path: str,
        body: object,
        session: ClientSession | None = None,
        *,
        key: str | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """What is answered; over a connection of another session, when one is given."""
        headers = {"Authorization": "Bearer viewer"}
        if key is not None:
            headers["Idempotency-Key"] = key
        url = self._server.make_url(path if path == PLAY else CHANNELS + path)
        using = self._session if session is None else session
        async with using.post(url, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def pay(
        self, stroops: int, session: ClientSession | None = None
    ) -> tuple[int, dict[str, Any]]:
        return await self.post(f"/{CONTRACT}/vouchers", self.voucher(stroops), session)

    async def register(self) -> tuple[int, dict[str, Any]]:
        signature = self.voucher(0)["signature"]
        return await self.post("", {"contract": CONTRACT, "signature": signature})


async def nobody() -> None:
    """There is no collector to hurry."""


@asynccontextmanager
async def rig_over(database: Database, clock: ManualClock) -> AsyncIterator[Rig]:
    """The rig over a migrated, empty database."""
    accounts = PostgresAccountStore(database)
    viewer = new_account(AccountKind.GUEST, "Guest", clock.wall_ms())
    await accounts.create(viewer, hash_token("viewer"))
    intake = Intake(PostgresMeterStore(database), SystemClock(), MeterRules())
    await intake.start()
    application = web.Application(middlewares=[answer_errors])
    server = TestServer(application)
    async with ClientSession() as session:
        rig = Rig(database, server, session, viewer.id)
        desk = VoucherDesk(rig.vouchers, rig.chain, intake, clock)
        bearers, limit = Bearers(accounts, clock), MinuteLimit(clock, 9)
        idempotency = Idempotency(PostgresIdempotencyStore(database), clock)
        chain = Unhurried(nobody)
        routes = PaymentChannels(desk, chain, bearers, clock, PLAY_URL, limit, idempotency)

        @web.middleware
        async def note_peer(request: web.Request, handler: Any) -> web.StreamResponse:
            assert request.transport is not None
            rig.peers.add(request.transport.get_extra_info("peername"))
            answer: web.StreamResponse = await handler(request)
            return answer

        application.middlewares.append(note_peer)
        application.add_routes(
            [
                web.get("/api/v1/payments/channel-terms", routes.terms),
                web.get(CHANNELS, routes.list),
                web.post(CHANNELS, routes.register),
                web.post(CHANNELS + "/{channel}/vouchers", routes.accept),
                web.post(CHANNELS + "/{channel}/close", routes.close),
                web.post(PLAY, routes.open_in_play),
            ]
        )
        async with server:
            yield rig
    await intake.stop()
