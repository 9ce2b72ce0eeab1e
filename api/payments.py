"""Guests, their balances, and play money to fill them."""

from dataclasses import dataclass

from aiohttp import web

from api.area import RouteTable
from api.auth.account import AccountKind, AccountStore, hash_token, new_account, new_token
from api.auth.bearer import Bearers
from api.errors import Problem, not_found
from api.idempotency import Document, Idempotency
from api.idempotency_store import Effect
from api.input import NoFields, read_body
from api.minute_limit import MinuteLimit
from api.sandbox import Sandbox
from config.clock import Clock
from ingest.network import network_of
from metering.intake import Intake
from metering.ledger.balances import Balances
from metering.money import Stroops, format_amount


@dataclass(frozen=True, slots=True)
class Payments:
    """The routes `/api/v1/guests`, `/api/v1/sandbox/fund` and `/api/v1/payments/balance`, which
    tells the currency of the server first, and all that the account has under `accounts`.

    `sandbox` is None on a network with real money.
    """

    accounts: AccountStore
    bearers: Bearers
    intake: Intake
    sandbox: Sandbox | None
    guests: MinuteLimit
    clock: Clock
    asset: str
    idempotency: Idempotency
    balances: Balances

    def routes(self) -> RouteTable:
        return [
            web.post("/api/v1/guests", self.create_guest),
            web.post("/api/v1/sandbox/fund", self.fund),
            web.get("/api/v1/payments/balance", self.balance),
        ]

    async def create_guest(self, request: web.Request) -> web.Response:
        await read_body(request, NoFields)
        if not self.guests.admit(network_of(request.remote or "")):
            raise Problem(429, "too_many_guests", "Too many new guests", "", {"Retry-After": "60"})
        token = new_token()
        guest = new_account(AccountKind.GUEST, "Guest", self.clock.wall_ms())
        await self.accounts.create(guest, hash_token(token))
        answer = {
            "accountId": guest.id,
            "token": token,
            "balance": format_amount(Stroops(0)),
            "asset": self.asset,
        }
        return web.json_response(answer, status=201)

    async def fund(self, request: web.Request) -> web.Response:
        account = await self.bearers.account(request)
        await read_body(request, NoFields)
        sandbox = self.sandbox
        if sandbox is None:
            raise not_found("this server uses real money; there is nothing to hand out")
        await sandbox.has_money()

        async def top_up(effect: Effect) -> Document:
            balance = await sandbox.top_up(account.id, effect)
            return {"balance": format_amount(balance), "asset": self.asset}

        done = await self.idempotency.once(request, account.id, top_up)
        return web.json_response(done.document, headers=done.headers)

    async def balance(self, request: web.Request) -> web.Response:
        account = await self.bearers.account(request)
        balance, held = await self.intake.balance(account.id)
        return web.json_response(
            {
                "balance": format_amount(balance),
                "held": format_amount(held),
                "asset": self.asset,
                "playMoney": self.sandbox is not None,
                "accounts": [
                    {
                        "asset": each.asset,
                        "balance": format_amount(each.available),
                        "held": format_amount(each.held),
                        "earned": format_amount(each.earned),
                    }
                    for each in await self.balances.of(account.id)
                ],
            }
        )
