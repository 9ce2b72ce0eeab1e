"""The routes of sessions and money on a real port, over the real meter and Postgres."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientSession, web

from api.app import answer_errors
from api.auth.account import AccountKind, hash_token, new_account
from api.auth.account_postgres import PostgresAccountStore
from api.auth.bearer import Bearers
from api.auth.playback_token import PlaybackTokens
from api.auth.session_clients import SessionClients
from api.catalogue.asset import Asset, AssetState
from api.catalogue.asset_postgres import PostgresAssetStore
from api.catalogue.lookup import Catalogue
from api.event_stream import EventStreams
from api.http_server import HttpServer
from api.idempotency import Idempotency
from api.idempotency_store import MemoryIdempotencyStore
from api.minute_limit import MinuteLimit
from api.movements_postgres import PostgresMovements
from api.payments import Payments
from api.sandbox import Sandbox
from api.session_limits import SessionLimits
from api.session_sockets import SessionSockets
from api.splits import Payees
from api.statement_postgres import PostgresStatements
from api.statements import Statements
from api.streaming import Streaming
from api.subscriptions import SubscribedTiers, SubscriptionRoutes
from api.tiers import MemoryTierStore, Tier
from config.clock import ManualClock
from config.ids import new_id
from config.limits import IDEMPOTENCY_LOCK_SECONDS
from config.postgres import Database
from ingest.source_store import MemorySourceStore
from metering.intake import Intake
from metering.ledger.balances import Balances
from metering.ledger.ledger import Transfer, hot_account, treasury_account
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.offer import Offer
from metering.passes.admitted import Admitted
from metering.passes.store_postgres import PostgresPassStore
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.shares.store_postgres import PostgresSplitStore
from metering.store_postgres import PostgresMeterStore
from metering.subscriptions.included import Included
from metering.subscriptions.store_postgres import PostgresSubscriptionStore
from metering.subscriptions.subscription import Plan
from metering.tariff import Price, Tariff
from metering.viewings import PostgresViewings

PUBLIC_URL = "https://live.example.org"
PRICE = Price("XLM", 100, 1)
SEGMENT = 2 * UNITS_PER_SECOND
HOT, TREASURY = hot_account("XLM"), treasury_account("XLM")
AT_ONCE = {Tier.FREE: 2, Tier.BRONZE: 1, Tier.SILVER: 2, Tier.GOLD: 4}
# Half a minute is no whole minute.
PLANS = {
    name: Plan(name, Stroops(fee), "XLM", seconds)
    for name, fee, seconds in (("silver", 3_000, 150), ("gold", 5_000, 600))
}

PAIR = (("creator", "ada"), ("viewer", "vera"))

Route = tuple[str, str, Callable[[web.Request], Any]]


@dataclass
class Rig:
    """Ada creates and Vera watches; each token is the account's name."""

    database: Database
    clock: ManualClock
    intake: Intake
    ledger: PostgresLedger
    keys: MemoryIdempotencyStore
    tiers: MemoryTierStore
    streaming: Streaming
    sockets: SessionSockets
    stopping: asyncio.Event
    accounts: dict[str, str]
    paying: dict[str, str]
    host: str
    http: ClientSession

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        status: int = 200,
        *,
        who: str = "vera",
        key: str | None = None,
    ) -> Any:
        """The answer's document; its status has to be as said."""
        headers = {"Authorization": f"Bearer {who}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        url = f"/api/v1/{path}"
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status == status, text
            is_json = "json" in answer.headers["Content-Type"]
            return json.loads(text) if is_json else text

    async def fund(self, name: str = "vera", stroops: int = 10_000) -> None:
        cause = new_id("fnd", self.clock.wall_ms())
        await self.intake.fund(self.accounts[name], Stroops(stroops), f"sandbox:{cause}")

    async def start(self, content: str, status: int = 201, **other: Any) -> Any:
        self.clock.advance(1)  # ids sort by their millisecond
        more = {name: other.pop(name) for name in ("replace",) if name in other}
        body = {"contentId": content, **more}
        return await self.call("POST", "streaming/start", body, status, **other)

    async def play(self, session_id: str, segments: int, start: int = 0) -> None:
        """Watch so many segments of two seconds each, in the time that this takes."""
        for i in range(start, start + segments):
            lo = i * SEGMENT
            delivery = await self.intake.request(session_id, i, lo, lo + SEGMENT)
            self.intake.finish(delivery, complete=True)
            self.clock.advance(2_000)
        await self.intake.sweep()

    async def asset(
        self, title: str = "Film", owner: str = "ada", price: Offer | Tariff | Price = PRICE
    ) -> str:
        started = datetime.fromtimestamp(self.clock.wall_ms() / 1000, UTC)
        asset = Asset(
            id=new_id("ast", self.clock.wall_ms()),
            source_id=None,
            upload_id=new_id("upl", self.clock.wall_ms()),
            owner=self.accounts[owner],
            title=title,
            state=AssetState.ON_DEMAND,
            offer=Offer.of(price),
            started_at=started,
        )
        await PostgresAssetStore(self.database).create(asset)
        return asset.id

    async def give_back(self, session_id: str, word: str, stroops: int) -> None:
        """A refund of a session's money by its creator."""
        ada, vera = (f"{role}:{self.accounts[name]}:XLM" for role, name in PAIR)
        amount = Stroops(stroops)
        transfer = Transfer(f"{session_id}:refund:{word}", ada, vera, amount, "XLM", "refund")
        await self.intake.credit([transfer])

    def forget_the_dead(self) -> None:
        """Let claims of a process that died run out."""
        self.clock.advance(IDEMPOTENCY_LOCK_SECONDS * 1000)


async def _at_once() -> None:
    """The treasury has play money."""


@asynccontextmanager
async def session_rig(database: Database, *, trial_days: int = 0) -> AsyncIterator[Rig]:
    # Of the database's day: what it records has its own time.
    now: datetime = await database.fetchval("SELECT now()")
    clock, stopping = ManualClock(round(now.timestamp() * 1000)), asyncio.Event()
    accounts = {}
    for name, kind in (("ada", AccountKind.CREATOR), ("vera", AccountKind.GUEST)):
        account = new_account(kind, name.title(), clock.wall_ms())
        await PostgresAccountStore(database).create(account, hash_token(name))
        accounts[name] = account.id
    store = PostgresMeterStore(database)
    fill = Transfer("fill", HOT.id, TREASURY.id, Stroops(10**12), "XLM", "play_money")
    await store.post([HOT, TREASURY], [fill])
    intake = Intake(store, clock, MeterRules())
    await intake.start()
    bearers = Bearers(PostgresAccountStore(database), clock)
    keys, tiers, ledger = MemoryIdempotencyStore(), MemoryTierStore(), PostgresLedger(database)
    idempotency = Idempotency(keys, clock)
    movements = PostgresMovements(database)
    subscriptions = PostgresSubscriptionStore(database, ledger)
    splits = PostgresSplitStore(database, ledger)
    paying: dict[str, str] = {}
    streaming = Streaming(
        Catalogue(PostgresAssetStore(database), MemorySourceStore()),
        intake,
        PlaybackTokens(bytes(32)),
        bearers,
        clock,
        SessionLimits(
            SubscribedTiers(tiers, subscriptions), AT_ONCE, PostgresViewings(database), intake.close
        ),
        movements,
        idempotency,
        EventStreams("session", 10, stopping),
        Payees(splits, fee=0),
        Admitted(PostgresPassStore(database, ledger, splits)),
        Included(subscriptions),
        paying.get,
        SessionClients(clock),
    )
    payments = Payments(
        PostgresAccountStore(database),
        bearers,
        intake,
        Sandbox(intake, _at_once),
        MinuteLimit(clock, 10),
        clock,
        "XLM",
        idempotency,
        Balances(ledger, intake),
    )
    subscribing = SubscriptionRoutes(
        subscriptions, PLANS, trial_days, AT_ONCE, bearers, idempotency, intake, clock
    )
    sockets = SessionSockets(streaming, bearers, clock, PUBLIC_URL, stopping)
    sockets.start()
    statements = Statements(movements, PostgresStatements(database), bearers)
    application = _application(streaming, sockets, payments, statements, subscribing)
    server = HttpServer(application, "127.0.0.1", 0)
    await server.start()
    async with ClientSession(f"http://127.0.0.1:{server.port}") as http:
        yield Rig(
            *(database, clock, intake, ledger, keys, tiers),
            *(streaming, sockets, stopping, accounts, paying),
            *(f"127.0.0.1:{server.port}", http),
        )
    stopping.set()
    await sockets.stop()
    await server.stop()
    await intake.stop()
    report = await ledger.check()
    assert report.sound, report


def _application(
    streaming: Streaming,
    sockets: SessionSockets,
    payments: Payments,
    statements: Statements,
    subscriptions: SubscriptionRoutes,
) -> web.Application:
    application = web.Application(middlewares=[answer_errors])
    routes: list[Route] = [
        ("POST", "streaming/start", streaming.start),
        ("POST", "streaming/stop", streaming.stop),
        ("POST", "streaming/consent", streaming.consent),
        ("GET", "streaming/sessions", streaming.list),
        ("GET", "streaming/sessions/{session}", streaming.get),
        ("GET", "streaming/sessions/{session}/events", streaming.events),
        ("GET", "streaming/ws", sockets.handle),
        ("POST", "sandbox/fund", payments.fund),
        ("GET", "payments/balance", payments.balance),
        ("GET", "payments/history", statements.history),
        ("GET", "payments/statements", statements.statement),
        ("GET", "subscriptions", subscriptions.get),
        ("POST", "subscriptions", subscriptions.post),
        ("PATCH", "subscriptions/current", subscriptions.patch),
        ("GET", "subscriptions/plans", subscriptions.list_plans),
    ]
    for method, path, handler in routes:
        application.router.add_route(method, f"/api/v1/{path}", handler)
    return application
