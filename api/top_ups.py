"""Paying in with one request: HTTP 402, and what an x402 client answers to it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from api.auth.bearer import Bearers
from api.errors import Problem, invalid, not_found, unavailable
from api.input import read_body
from api.minute_limit import MinuteLimit
from config.limits import WALLET_WAIT_SECONDS_MAX
from metering.funding.deposit_store import DepositStore
from metering.intake import Intake
from metering.money import BadAmount, Stroops, format_amount, parse_amount
from metering.settlement.strkey import Address, account_key, write_address
from metering.x402.errors import NobodyPaysFees, StillUnderWay
from metering.x402.terms import PaymentRefused, Terms, as_header, payment_required, settled
from metering.x402.top_up import TopUp

# Version 2's names of headers; a client of ours may use the name that version 1 had.
_PRESENTED = ("PAYMENT-SIGNATURE", "X-PAYMENT")
_REQUIRED = "PAYMENT-REQUIRED"
_RESPONSE = "PAYMENT-RESPONSE"
# Deposits among which a new one is looked for.
_LATELY = 10


class Taker(Protocol):
    """What takes payments that are presented; `api.top_up_money` has one."""

    @property
    def network(self) -> str:
        """Its name by CAIP-2."""

    @property
    def tokens(self) -> Mapping[str, str]:
        """The contracts of the assets that are taken."""

    async def take(self, account: str, asset: str, presented: str, terms: Terms) -> TopUp:
        """Bring a payment onto the chain; as `TopUpMoney.take`."""

    async def credit(self) -> None:
        """Book what has come in."""


class TopUpRequest(BaseModel):
    """How much, and of what; the first asset that is taken by default."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    amount: Annotated[str, Field(max_length=40)]
    asset: Annotated[str, Field(max_length=80)] | None = None


@dataclass(frozen=True, slots=True)
class TopUps:
    """The route `/api/v1/payments/top-up`.

    It needs no `Idempotency-Key`: what is presented is good for one time on the chain itself, and
    presented again it is answered as before.

    Attributes:
        store: knows the account's number at our address.
        opened: what takes payments; waits until the wallet is open, None where there is none.
        address: where everybody pays in.
        assets: what is taken.
        minimum: less is not worth the network's fee, which we pay.
        public_url: of this server; empty: as the client asked for it.
    """

    store: DepositStore
    bearers: Bearers
    intake: Intake
    opened: Callable[[], Awaitable[Taker | None]]
    address: Callable[[], Awaitable[str]]
    assets: tuple[str, ...]
    minimum: Stroops
    limit: MinuteLimit
    public_url: str

    async def post(self, request: web.Request) -> web.Response:
        """402 with the terms; with a payment by these terms, 200 when it is credited and 202 when
        it is part of a ledger and about to be.
        """
        account = await self.bearers.account(request)
        asked = await read_body(request, TopUpRequest)
        asset, amount = self._checked(asked)
        money = await self._there()
        terms = await self._terms(money, account.id, asset, amount)
        presented = next((request.headers[n] for n in _PRESENTED if n in request.headers), None)
        if presented is None:
            raise self._required(request, terms, "payment_required", "present a payment")
        if not self.limit.admit(account.id):
            raise Problem(429, "too_many_top_ups", "Too many payments", "", {"Retry-After": "60"})
        try:
            taken = await money.take(account.id, asset, presented, terms)
        except PaymentRefused as refusal:
            raise self._required(request, terms, refusal.reason, str(refusal)) from None
        except StillUnderWay:
            raise unavailable("the payment is under way: present it again", 5) from None
        except NobodyPaysFees:
            raise unavailable("nobody pays the network's fees just now", 60) from None
        await money.credit()
        return await self._answer(account.id, terms, taken.signed.hash, taken.payer)

    def _checked(self, asked: TopUpRequest) -> tuple[str, Stroops]:
        asset = asked.asset or self.assets[0]
        if asset not in self.assets:
            raise invalid(f"asset: one of {', '.join(self.assets)}")
        try:
            amount = parse_amount(asked.amount)
        except BadAmount as error:
            raise invalid(f"amount: {error}") from None
        if amount < self.minimum:
            raise invalid(f"amount: at least {format_amount(self.minimum)}")
        return asset, amount

    async def _there(self) -> Taker:
        try:
            async with asyncio.timeout(WALLET_WAIT_SECONDS_MAX):
                money = await self.opened()
        except TimeoutError:
            raise unavailable("the wallet is not open yet", retry_after_s=2) from None
        if money is None:
            raise not_found("this server takes no payments over HTTP")
        return money

    async def _terms(self, money: Taker, account: str, asset: str, amount: Stroops) -> Terms:
        """What pays this account, and nobody else: its own number at our address."""
        number = await self.store.number(account)
        own = write_address(Address(account_key(await self.address()), number))
        return Terms(money.network, money.tokens[asset], amount, own)

    def _required(self, request: web.Request, terms: Terms, reason: str, text: str) -> Problem:
        """x402's document inside a problem's: a client of either understands it."""
        url = f"{self.public_url or request.url.origin()}{request.path}"
        document = payment_required(terms, url, "Pays into your balance", reason)
        headers = {_REQUIRED: as_header(document), "Cache-Control": "no-store"}
        return Problem(402, "payment_required", "Pay first", text, headers, document)

    async def _answer(
        self, account: str, terms: Terms, transaction: str, payer: str
    ) -> web.Response:
        lately = await self.store.deposits(account, _LATELY)
        credited = any(each.transaction == transaction for each in lately)
        balance, _ = await self.intake.balance(account)
        return web.json_response(
            {
                "credited": credited,
                "amount": format_amount(terms.amount),
                "balance": format_amount(balance),
                "transactionHash": transaction,
            },
            status=200 if credited else 202,
            headers={_RESPONSE: as_header(settled(terms, transaction, payer))},
        )
