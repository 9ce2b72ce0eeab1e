"""Passes: what is offered for a content, buying one, and what an account has."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.catalogue.asset import Asset
from api.catalogue.lookup import Catalogue
from api.errors import Problem, not_found, payment_required, unavailable
from api.idempotency import Document, Done, Idempotency
from api.idempotency_store import Effect
from api.input import BuyPass, read_body
from api.presented_payments import Asked, NotTaken, PresentedPayments, Taken
from api.splits import Payees
from api.wire import passes_json, timestamp
from config.clock import Clock
from config.limits import PASS_CREDIT_LOOKS, PASSES_LISTED_MAX
from metering.errands import TakingOut
from metering.errors import InsufficientFunds
from metering.intake import Intake
from metering.leases import lease_postgres
from metering.ledger.ledger import UnknownAccount, WouldOverdraw, viewer_account
from metering.money import Stroops, format_amount
from metering.passes.passes import Content, Pass, Sale
from metering.passes.store import PassStore


@dataclass(frozen=True, slots=True)
class _Order:
    """What an account wants to buy: a pass as it is offered now."""

    account: str
    asset: Asset
    hours: int
    price: Stroops

    @property
    def currency(self) -> str:
        return self.asset.offer.price.asset

    @property
    def content(self) -> Content:
        return content_of(self.asset)

    def pass_(self, id_: str, now: datetime) -> Pass:
        content = self.content
        return Pass(id_, self.account, content.id, content.source, self.hours, self.currency,
                    self.price, now)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PassRoutes:
    """The routes `/api/v1/content/{content}/passes` and `/api/v1/passes`."""

    store: PassStore
    catalogue: Catalogue
    payees: Payees
    intake: Intake
    bearers: Bearers
    idempotency: Idempotency
    payments: PresentedPayments
    clock: Clock

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/passes", self.list),
            web.get("/api/v1/content/{content}/passes", self.offers),
            web.post("/api/v1/content/{content}/passes", self.buy),
        ]

    async def offers(self, request: web.Request) -> web.Response:
        """What can be bought for a content, and the pass that the account has for it."""
        account = await self.bearers.account(request)
        asset = await self.catalogue.playable(request.match_info["content"])
        held = await self.store.good(account.id, content_of(asset), self._now())
        return web.json_response(
            {
                "items": passes_json(asset.offer),
                "held": None if held is None else await self._document(held),
            }
        )

    async def list(self, request: web.Request) -> web.Response:
        """The account's passes, those that end last first."""
        account = await self.bearers.account(request)
        held = await self.store.of(account.id, PASSES_LISTED_MAX)
        items = await asyncio.gather(*(self._document(each) for each in held))
        return web.json_response({"items": list(items)})

    async def buy(self, request: web.Request) -> web.Response:
        """Buy one from the balance. Where that is short, 402 with x402's terms for the price: a
        payment by them is brought onto the chain, credited, and spent on the pass at once.

        What is presented is not taken while the balance is enough. So a request that is sent again,
        since nobody heard how it ended, never pays twice: by then the money is in the balance.
        """
        order = await self._order(request)
        try:
            done = await self._once(request, order)
        except InsufficientFunds as short:
            done = await self._once_paid(request, order, short)
        document = dict(done.document)
        headers = document.pop("headers")
        assert isinstance(headers, dict), "it is ours"
        return web.json_response(document, status=201, headers={**headers, **done.headers})

    async def _order(self, request: web.Request) -> _Order:
        account = await self.bearers.account(request)
        wish = await read_body(request, BuyPass)
        asset = await self.catalogue.playable(request.match_info["content"])
        if asset.owner == account.id:
            raise Problem(409, "own_content", "It is yours", "you watch it for nothing as it is")
        offered = asset.offer.pass_for(wish.hours)
        if offered is None:
            raise not_found(f"there is no pass for {wish.hours} hours")
        price = format_amount(offered.stroops)
        if wish.amount != price:
            detail = f"a pass for {wish.hours} hours costs {price} {asset.offer.price.asset}"
            raise Problem(409, "price_changed", "That is not its price", detail)
        return _Order(account.id, asset, offered.hours, offered.stroops)

    async def _once(self, request: web.Request, order: _Order, taken: Taken | None = None) -> Done:
        """The answer, with the headers that belong to it."""

        async def work(effect: Effect) -> Document:
            bought = await self._bought(order, effect)
            headers = {} if taken is None else taken.headers
            return {**await self._document(bought), "headers": headers}

        return await self.idempotency.once(request, order.account, work, required=True)

    async def _once_paid(
        self, request: web.Request, order: _Order, short: InsufficientFunds
    ) -> Done:
        """As `_once`, of a request that presents what the balance is short of."""
        amount = Stroops(max(order.price, self.payments.minimum))
        asked = Asked(order.account, order.currency, amount, _purpose(order))
        try:
            taken = await self.payments.taken(request, asked, PASS_CREDIT_LOOKS)
        except NotTaken:
            raise payment_required(str(short)) from None
        if not taken.credited:
            raise unavailable("the payment is about to be credited: send the same request again")
        try:
            await self.intake.balance_read(order.account, order.currency)
            return await self._once(request, order, taken)
        except (Problem, InsufficientFunds) as error:
            if isinstance(error, Problem) and error.status == HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            raise await self._kept(order, taken, error) from None

    async def _kept(self, order: _Order, taken: Taken, why: Problem | InsufficientFunds) -> Problem:
        """What is said when something came between a payment and the pass."""
        reason = why.detail or why.title if isinstance(why, Problem) else str(why)
        there, _ = await self.intake.balance(order.account, order.currency)
        paid = f"{format_amount(taken.terms.amount)} {order.currency}"
        return Problem(
            409,
            "paid_into_balance",
            "The payment is in your balance, and no pass was bought",
            f"{paid} were credited to you; {reason}",
            taken.headers,
            {"transactionHash": taken.transaction, "balance": format_amount(there)},
        )

    async def _bought(self, order: _Order, effect: Effect) -> Pass:
        """The one pass of this effect.

        Raises:
            Problem: 409 for who has one that is good.
            InsufficientFunds, MeterUnavailable.
        """
        wanted = order.pass_(effect.id("pas"), self._now())
        # An earlier attempt may have come to its end, and nobody has heard of it.
        found = await self.store.get(wanted.id) if effect.attempt > 1 else None
        if found is None:
            found = await self.store.good(order.account, order.content, wanted.began)
        if found is None:
            found = await self._sold(order, wanted)
        if found.id != wanted.id:
            raise Problem(
                409,
                "pass_is_good",
                "There is a pass that is good",
                f"until {timestamp(found.ends)}: nothing is to be paid by then",
                extra={"passId": found.id, "ends": timestamp(found.ends)},
            )
        return found

    async def _sold(self, order: _Order, wanted: Pass) -> Pass:
        sale = Sale(wanted, await self.payees.split(order.asset))
        kept = [wanted]

        async def sell() -> None:
            with lease_postgres.unavailable():
                kept[0] = await self.store.buy(sale, order.content)

        account = viewer_account(order.account, order.currency)
        try:
            await self.intake.take_out(TakingOut(account, order.price, sell))
        except (WouldOverdraw, UnknownAccount):
            there, _ = await self.intake.balance(order.account, order.currency)
            raise InsufficientFunds(order.price, there, order.currency) from None
        return kept[0]

    async def _document(self, held: Pass) -> Document:
        asset = await self.catalogue.assets.get(held.content)
        return {
            "passId": held.id,
            "contentId": held.content,
            "title": None if asset is None else asset.title,
            "hours": held.hours,
            "asset": held.asset,
            "amount": format_amount(held.price),
            "began": timestamp(held.began),
            "ends": timestamp(held.ends),
            "good": held.began <= self._now() < held.ends,
        }

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.wall_ms() / 1000, UTC)


def content_of(asset: Asset) -> Content:
    """An asset as passes know it."""
    return Content(asset.id, asset.source_id, asset.started_at)


def _purpose(order: _Order) -> str:
    """What a payer's wallet may show, in ASCII."""
    return f"A pass for {order.hours} hours, by way of your balance; it is not refunded"
