"""What came in for nobody known: seen, given to somebody, or given back by the operator."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from api.area import RouteTable
from api.auth.account import AccountStore
from api.errors import Problem, invalid, not_found
from api.idempotency import Document, Idempotency
from api.idempotency_store import Effect
from api.input import read_body
from api.operator import Operator
from api.wire import timestamp
from config.limits import SUSPENSE_PAGE_MAX
from metering.funding.suspense import TREASURY, Decided, Item, SuspenseStore, UnknownItem
from metering.funding.withdrawal import Withdrawal
from metering.ledger.ledger import suspense_account
from metering.money import format_amount
from metering.settlement.strkey import BadAddress, account_key

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)

type _Text = Annotated[str, Field(min_length=1, max_length=200)]


class GiveBack(BaseModel):
    """Which payment, by the id in the list."""

    model_config = _STRICT

    payment: _Text


class Assign(BaseModel):
    """`account` is an account's id, or `treasury` for the operator's own money."""

    model_config = _STRICT

    payment: _Text
    account: Annotated[str, Field(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True)
class SuspenseRoutes:
    """The routes under `/api/v1/admin/suspense`.

    Attributes:
        changed: told of an account and an asset that got something.
    """

    store: SuspenseStore
    accounts: AccountStore
    operator: Operator
    idempotency: Idempotency
    changed: Callable[[str, str], None]

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/admin/suspense", self.list),
            web.post("/api/v1/admin/suspense/assign", self.assign),
            web.post("/api/v1/admin/suspense/return", self.give_back),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """What waits, the oldest first; with `all=1` also what is decided. `next` is the `cursor`
        of the page after.
        """
        self.operator.require(request)
        after, all_ = _cursor(request), request.query.get("all") == "1"
        items = await self.store.items(after, SUSPENSE_PAGE_MAX, all_=all_)
        more = len(items) == SUSPENSE_PAGE_MAX
        return web.json_response(
            {
                "items": [item_json(each) for each in items],
                "next": str(items[-1].place) if more else None,
            }
        )

    async def assign(self, request: web.Request) -> web.Response:
        self.operator.require(request)
        body = await read_body(request, Assign)
        to = body.account

        async def work(_effect: Effect) -> None:
            if to != TREASURY and await self.accounts.get(to) is None:
                raise invalid(f"account: there is no account {to}")
            await self.store.assign(body.payment, to)
            if to != TREASURY:
                self.changed(to, (await self._item(body.payment)).asset)

        return await self._decide(request, body.payment, work)

    async def give_back(self, request: web.Request) -> web.Response:
        """Pay it to where it came from."""
        self.operator.require(request)
        body = await read_body(request, GiveBack)

        async def work(effect: Effect) -> None:
            item = await self._item(body.payment)
            await self.store.give_back(item.event, returning(item, effect))

        return await self._decide(request, body.payment, work)

    async def _decide(
        self, request: web.Request, event: str, decide: Callable[[Effect], Awaitable[None]]
    ) -> web.Response:
        async def work(effect: Effect) -> Document:
            try:
                await decide(effect)
                return item_json(await self._item(event))
            except UnknownItem:
                raise not_found("no such payment is in suspense") from None
            except Decided:
                title = "This payment was given away already"
                raise Problem(409, "suspense_decided", title) from None

        done = await self.idempotency.once(request, "operator", work, required=True)
        return web.json_response(done.document, headers=done.headers)

    async def _item(self, event: str) -> Item:
        item = await self.store.item(event)
        if item is None:
            raise UnknownItem(event)
        return item


def returning(item: Item, effect: Effect) -> Withdrawal:
    """The withdrawal that takes an item back.

    Raises:
        Problem: 422, it came from no account.
    """
    try:
        account_key(item.source)
    except BadAddress:
        title = "This cannot be given back"
        raise Problem(422, "not_from_an_account", title, f"it came from {item.source}") from None
    return Withdrawal(
        id=effect.id("wdr"),
        owner=None,
        origin=suspense_account(item.asset).id,
        asset=item.asset,
        amount=item.amount,
        address=item.source,
        requested_at=datetime.fromtimestamp(effect.wall_ms / 1000, UTC),
    )


def item_json(item: Item) -> Document:
    """A payment in suspense."""
    return {
        "id": item.event,
        "reason": item.reason,
        "asset": item.asset,
        "amount": format_amount(item.amount),
        "at": timestamp(item.at),
        "source": item.source,
        "destination": item.destination,
        "transactionHash": item.transaction,
        "muxedId": None if item.number is None else str(item.number),
        "memo": None if item.memo is None else str(item.memo),
        "open": item.is_open,
        "assignedTo": item.assigned_to,
        "withdrawalId": item.withdrawal,
    }


def _cursor(request: web.Request) -> int:
    text = request.query.get("cursor", "0")
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise invalid("cursor: the `next` of the page before")
    return int(text)
