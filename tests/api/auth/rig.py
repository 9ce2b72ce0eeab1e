"""The doors of a server on a real port, with a chain that a test makes up."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, get_type_hints

from aiohttp import ClientSession, web
from stellar_sdk import Keypair

from api.app import make_application
from api.auth.account import (
    AccountKind,
    MemoryAccountStore,
    hash_token,
    new_account,
    new_token,
)
from api.auth.account_postgres import PostgresAccountStore
from api.auth.api_key import MemoryApiKeyStore
from api.auth.api_key_postgres import PostgresApiKeyStore
from api.auth.login import MemoryLoginStore
from api.auth.login_postgres import PostgresLoginStore
from api.auth.sign_in import MemorySignInStore
from api.auth.sign_in_postgres import PostgresSignInStore
from api.auth.spent import MemorySpentStore, PostgresSpentStore
from api.composition.routes import Routes
from api.doors import DoorKeys, Doors, Kept, Premises, make_doors
from api.http_server import HttpServer
from api.payments import Payments
from config.clock import ManualClock
from config.postgres import Database
from config.settings import Auth
from tests.api.auth.challenges import DOMAIN, PASSPHRASE, SERVER, Chain, clock_of_now, signed

URL = f"https://{DOMAIN}"
KEYS = DoorKeys(b"a" * 32, b"r" * 32, b"k" * 32, SERVER.secret)


class HotChain(Chain):
    """A chain on which this server has an account."""

    async def addresses(self) -> Sequence[str]:
        return ("GHOT",)


class Protected(Payments):
    """Routes that tell whose they are."""

    async def balance(self, request: web.Request) -> web.Response:
        account = await self.bearers.account(request)
        return web.json_response({"account": account.id})

    fund = balance

    async def create_guest(  # type: ignore[override]
        self, request: web.Request
    ) -> web.StreamResponse:
        """In its place, a stream that goes on for as long as it is let."""
        await self.balance(request)
        stream = web.StreamResponse()
        await stream.prepare(request)
        await stream.write(b"here")
        await asyncio.Event().wait()
        return stream


def application(doors: Doors | None = None) -> web.Application:
    """All routes; without doors, to be looked at only."""
    routes: Routes = bare(Routes)
    if doors is not None:
        protected = bare(Protected)
        object.__setattr__(protected, "bearers", doors.bearers)
        routes = replace(routes, doors=doors, paying=replace(routes.paying, payments=protected))
    return make_application(routes)


def bare(kind: type) -> Any:
    """One that can say its routes, and nothing else."""
    made: Any = object.__new__(kind)
    for name, part in get_type_hints(kind).items():
        if isinstance(part, type) and hasattr(part, "routes"):
            object.__setattr__(made, name, bare(part))
    return made


@dataclass
class Rig:
    doors: Doors
    kept: Kept
    clock: ManualClock
    chain: HotChain
    http: ClientSession

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        status: int = 200,
        token: str | None = None,
        **other: Any,
    ) -> Any:
        """The answer's document; its status has to be as said."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with self.http.request(method, path, json=body, headers=headers, **other) as answer:
            text = await answer.text()
            assert answer.status == status, text
            return await answer.json(content_type=None) if text else None

    async def api(self, method: str, path: str, *rest: Any, **other: Any) -> Any:
        return await self.call(method, f"/api/v1/auth/{path}", *rest, **other)

    async def guest(self, kind: AccountKind = AccountKind.GUEST) -> tuple[str, str]:
        """The id and the token of a new account."""
        account, token = new_account(kind, "Guest", self.clock.wall_ms()), new_token()
        await self.kept.accounts.create(account, hash_token(token))
        return account.id, token

    async def answer(self, key: Keypair, **query: str) -> str:
        """A challenge, signed by its wallet."""
        self.clock.advance(1)  # ids sort by their millisecond
        params = {"account": key.public_key, **query}
        document = await self.call("GET", "/auth", params=params)
        assert document["network_passphrase"] == PASSPHRASE
        return signed(document["transaction"], key)

    async def sign_in(self, key: Keypair, token: str | None = None) -> Any:
        """Come in with a wallet."""
        body = {"transaction": await self.answer(key)}
        return await self.call("POST", "/auth", body, token=token)

    async def whose(self, token: str) -> str:
        """The account that a token stands for; empty of one that is not good."""
        headers = {"Authorization": f"Bearer {token}"}
        async with self.http.get("/api/v1/payments/balance", headers=headers) as answer:
            document = await answer.json(content_type=None)
            assert answer.status in (200, 401)
            return document.get("account", "") if answer.status == 200 else ""


@asynccontextmanager
async def doors_rig(
    database: Database | None = None, auth: Auth | None = None
) -> AsyncIterator[Rig]:
    """Everything is kept in memory, or in a database."""
    clock, chain = clock_of_now(), HotChain()
    kept = in_memory() if database is None else in_postgres(database)
    premises = Premises(URL, PASSPHRASE, auth or Auth(), clock)
    doors = make_doors(kept, KEYS, premises, chain)
    server = HttpServer(application(doors), "127.0.0.1", 0)
    await server.start()
    try:
        async with ClientSession(f"http://127.0.0.1:{server.port}") as http:
            yield Rig(doors, kept, clock, chain, http)
    finally:
        await server.stop()
        await doors.stop()


def in_memory() -> Kept:
    accounts = MemoryAccountStore()
    return Kept(
        accounts,
        MemoryLoginStore(accounts),
        MemorySignInStore(),
        MemoryApiKeyStore(),
        MemorySpentStore(),
    )


def in_postgres(database: Database) -> Kept:
    return Kept(
        PostgresAccountStore(database),
        PostgresLoginStore(database),
        PostgresSignInStore(database),
        PostgresApiKeyStore(database),
        PostgresSpentStore(database),
    )
