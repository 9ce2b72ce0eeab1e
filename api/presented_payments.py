"""What requests have to pay for: HTTP 402 with terms, and the payments that answer it (x402)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from api.errors import Problem, unavailable
from api.minute_limit import MinuteLimit
from config.limits import WALLET_WAIT_SECONDS_MAX
from metering.funding.deposit_store import DepositStore
from metering.money import Stroops
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


class NotTaken(Exception):
    """This server takes no such payments over HTTP."""


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


@dataclass(frozen=True, slots=True)
class Asked:
    """What an account is to pay into its balance, and in words what for."""

    account: str
    asset: str
    amount: Stroops
    purpose: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A payment that is part of a ledger; `credited` when it is in the balance as well."""

    terms: Terms
    transaction: str
    payer: str
    credited: bool

    @property
    def headers(self) -> dict[str, str]:
        """What tells a client that it has paid."""
        return {_RESPONSE: as_header(settled(self.terms, self.transaction, self.payer))}


@dataclass(frozen=True, slots=True)
class PresentedPayments:
    """Asks for payments into balances, and takes them.

    What is presented is good for one time on the chain itself: presented again it is found there.

    Attributes:
        store: knows the account's number at our address.
        opened: what takes payments; waits until the wallet is open, None where there is none.
        address: where everybody pays in.
        minimum: less is not worth the network's fee, which we pay.
        public_url: of this server; empty: as the client asked for it.
    """

    store: DepositStore
    opened: Callable[[], Awaitable[Taker | None]]
    address: Callable[[], Awaitable[str]]
    minimum: Stroops
    limit: MinuteLimit
    public_url: str

    async def taken(self, request: web.Request, asked: Asked, looks: int = 1) -> Taken:
        """The payment that a request presents, on the chain and perhaps in the balance.

        Args:
            request: with a payment, or without.
            asked: what it has to be.
            looks: how often to look whether it is credited, a second apart.

        Raises:
            Problem: 402 with the terms for what was not presented or not good; 429, 503.
            NotTaken: nobody here takes payments, or none in this asset.
            ChainUnreachable, WrongNetwork.
        """
        money = await self._there(asked.asset)
        terms = await self._terms(money, asked)
        presented = next((request.headers[n] for n in _PRESENTED if n in request.headers), None)
        if presented is None:
            raise self._required(request, terms, asked, "payment_required", "present a payment")
        if not self.limit.admit(asked.account):
            raise Problem(429, "too_many_top_ups", "Too many payments", "", {"Retry-After": "60"})
        try:
            found = await money.take(asked.account, asked.asset, presented, terms)
        except PaymentRefused as refusal:
            raise self._required(request, terms, asked, refusal.reason, str(refusal)) from None
        except StillUnderWay:
            raise unavailable("the payment is under way: present it again", 5) from None
        except NobodyPaysFees:
            raise unavailable("nobody pays the network's fees just now", 60) from None
        credited = await self._credited(money, asked.account, found.signed.hash, looks)
        return Taken(terms, found.signed.hash, found.payer, credited)

    async def _there(self, asset: str) -> Taker:
        try:
            async with asyncio.timeout(WALLET_WAIT_SECONDS_MAX):
                money = await self.opened()
        except TimeoutError:
            raise unavailable("the wallet is not open yet", retry_after_s=2) from None
        if money is None or asset not in money.tokens:
            raise NotTaken(asset)
        return money

    async def _terms(self, money: Taker, asked: Asked) -> Terms:
        """What pays this account, and nobody else: its own number at our address."""
        number = await self.store.number(asked.account)
        own = write_address(Address(account_key(await self.address()), number))
        return Terms(money.network, money.tokens[asked.asset], asked.amount, own)

    def _required(
        self, request: web.Request, terms: Terms, asked: Asked, reason: str, text: str
    ) -> Problem:
        """x402's document inside a problem's: a client of either understands it."""
        url = f"{self.public_url or request.url.origin()}{request.path}"
        document = payment_required(terms, url, asked.purpose, reason)
        headers = {_REQUIRED: as_header(document), "Cache-Control": "no-store"}
        return Problem(402, "payment_required", "Pay first", text, headers, document)

    async def _credited(self, money: Taker, account: str, transaction: str, looks: int) -> bool:
        for look in range(looks):
            if look:
                await asyncio.sleep(1)
            await money.credit()
            lately = await self.store.deposits(account, _LATELY)
            if any(each.transaction == transaction for each in lately):
                return True
        return False
