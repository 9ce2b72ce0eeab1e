"""Reports on whether chain, journal and outbox agree, and what the operator says about them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from api.area import RouteTable
from api.errors import Problem, invalid, not_found, unavailable
from api.idempotency import Document, Idempotency
from api.idempotency_store import Effect
from api.input import read_body
from api.operator import Operator
from metering.ledger.ledger import WouldOverdraw
from metering.money import format_amount
from metering.reconciliation.reconciliation_postgres import PostgresReconciliation
from metering.reconciliation.restore import Restorer
from metering.reconciliation.store import NoSuchDifference
from metering.settlement.outbox import MovedOn


class Accept(BaseModel):
    """Which difference, by its key in the report."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    key: Annotated[str, Field(min_length=1, max_length=300)]


@dataclass(frozen=True, slots=True)
class ReconciliationRoutes:
    """The routes under `/api/v1/admin/reconciliation`.

    Attributes:
        restorer: waits until the addresses of this server are known.
    """

    store: PostgresReconciliation
    restorer: Callable[[], Awaitable[Restorer]]
    operator: Operator
    idempotency: Idempotency

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/admin/reconciliation/latest", self.latest),
            web.get("/api/v1/admin/reconciliation/{date}", self.of_day),
            web.post("/api/v1/admin/reconciliation/accept", self.accept),
        ]

    async def latest(self, request: web.Request) -> web.Response:
        """Today's report, as far as it is."""
        return await self._report(request, None)

    async def of_day(self, request: web.Request) -> web.Response:
        """A day's report; days are those of UTC. To the byte as it was signed."""
        try:
            day = date.fromisoformat(request.match_info["date"])
        except ValueError:
            raise invalid("date: a day is written 2026-11-30") from None
        return await self._report(request, day)

    async def accept(self, request: web.Request) -> web.Response:
        """End a difference: it is known and dealt with. Answers what was booked to make it good."""
        self.operator.require(request)
        body = await read_body(request, Accept)

        async def work(effect: Effect) -> Document:
            at = datetime.fromtimestamp(effect.wall_ms / 1000, UTC)
            restorer = await self.restorer()
            try:
                booked = await restorer.accept(body.key, "operator", at)
            except NoSuchDifference:
                if await self.store.accepted([body.key]):
                    return {"key": body.key, "booked": []}
                raise not_found("no such difference is open, or it changed meanwhile") from None
            except MovedOn:
                raise unavailable("a payout was under way; try again") from None
            except WouldOverdraw as error:
                title = "There is too little to make this good"
                raise Problem(409, "too_little", title, f"in {error.account}") from None
            return {
                "key": body.key,
                "booked": [
                    {
                        "id": each.id,
                        "from": each.debit,
                        "to": each.credit,
                        "amount": format_amount(each.amount),
                        "asset": each.asset,
                    }
                    for each in booked
                ],
            }

        done = await self.idempotency.once(request, "operator", work, required=True)
        return web.json_response(done.document, headers=done.headers)

    async def _report(self, request: web.Request, day: date | None) -> web.Response:
        self.operator.require(request)
        report = await self.store.report(day)
        if report is None:
            raise not_found("chain and books were not compared then")
        name = f"tollcast-reconciliation-{report.day}.json"
        return web.Response(
            text=report.document,
            content_type="application/json",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "private, no-cache",
            },
        )
