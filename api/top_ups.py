"""Paying in with one request: HTTP 402, and what an x402 client answers to it."""

from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.errors import invalid, not_found
from api.idempotency import Document, Done, Idempotency
from api.idempotency_store import Effect
from api.input import read_body
from api.presented_payments import Asked, NotTaken, PresentedPayments
from metering.intake import Intake
from metering.money import BadAmount, Stroops, format_amount, parse_amount


class TopUpRequest(BaseModel):
    """How much, and of what; the first asset that is taken by default."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    amount: Annotated[str, Field(max_length=40)]
    asset: Annotated[str, Field(max_length=80)] | None = None


@dataclass(frozen=True, slots=True)
class TopUps:
    """The route `/api/v1/payments/top-up`.

    It needs no `Idempotency-Key`: what is presented is good for one time on the chain itself, and
    presented again it is answered as before. With a key, what is credited is kept with it.

    Attributes:
        assets: what is taken.
    """

    payments: PresentedPayments
    bearers: Bearers
    intake: Intake
    assets: tuple[str, ...]
    idempotency: Idempotency

    def routes(self) -> RouteTable:
        return [
            web.post("/api/v1/payments/top-up", self.post),
        ]

    async def post(self, request: web.Request) -> web.Response:
        """402 with the terms; with a payment by these terms, 200 when it is credited and 202 when
        it is part of a ledger and about to be.
        """
        account = await self.bearers.account(request)
        asset, amount = self._checked(await read_body(request, TopUpRequest))
        asked = Asked(account.id, asset, amount, "Pays into your balance")
        done = await self.idempotency.answered(request, account.id)
        if done is None:
            done = await self._taken(request, asked)
        document = dict(done.document)
        response = document.pop("headers")
        assert isinstance(response, dict), "it is ours"
        status = 200 if document["credited"] else 202
        headers = {**response, **done.headers}
        return web.json_response(document, status=status, headers=headers)

    async def _taken(self, request: web.Request, asked: Asked) -> Done:
        """The answer, with the headers that belong to it."""
        try:
            taken = await self.payments.taken(request, asked)
        except NotTaken:
            raise not_found("this server takes no payments over HTTP") from None
        balance, _ = await self.intake.balance(asked.account)
        document: Document = {
            "credited": taken.credited,
            "amount": format_amount(asked.amount),
            "balance": format_amount(balance),
            "transactionHash": taken.transaction,
            "headers": taken.headers,
        }
        if not taken.credited:  # Asked again, it may be.
            return Done(document)

        async def credited(_: Effect) -> Document:
            return document

        return await self.idempotency.once(request, asked.account, credited)

    def _checked(self, asked: TopUpRequest) -> tuple[str, Stroops]:
        asset = asked.asset or self.assets[0]
        if asset not in self.assets:
            raise invalid(f"asset: one of {', '.join(self.assets)}")
        try:
            amount = parse_amount(asked.amount)
        except BadAmount as error:
            raise invalid(f"amount: {error}") from None
        if amount < self.payments.minimum:
            raise invalid(f"amount: at least {format_amount(self.payments.minimum)}")
        return asset, amount
