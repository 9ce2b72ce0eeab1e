"""The proof of a payout over HTTP, for the creator who was paid: the chain alone confirms it."""

from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.errors import Problem, not_found
from metering.settlement.outbox import Kind, Outbox, Payment, Settlement
from metering.settlement.proof import Returns, proof_document


class Tracing(Protocol):
    """Who knows what came back of payouts; `payout_trace.PayoutTrace` does."""

    async def returns(self, settlement: Settlement, payment: Payment) -> Returns: ...


@dataclass(frozen=True, slots=True)
class ProofRoutes:
    """The route `/api/v1/payments/proofs/{payment}`.

    Args:
        outbox: what was paid.
        trace: what came back of it, and which payout paid it again.
        network: the passphrase of where.
        bearers: who asks.
    """

    outbox: Outbox
    trace: Tracing
    network: str
    bearers: Bearers

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/payments/proofs/{payment}", self.get),
        ]

    async def get(self, request: web.Request) -> web.Response:
        account = await self.bearers.account(request)
        payment_id = request.match_info["payment"]
        settlement = await self.outbox.settlement_of(payment_id)
        mine = [
            payment
            for payment in (settlement.payments if settlement is not None else ())
            if payment.id == payment_id
            and payment.creator == account.id
            and payment.kind == Kind.PAYOUT
        ]
        if settlement is None or not mine:
            raise not_found("no such payout")
        if settlement.signed is None:
            detail = "it has no transaction yet"
            raise Problem(409, "payout_not_sent", "This payout is on no chain", detail)
        returns = await self.trace.returns(settlement, mine[0])
        return web.json_response(
            proof_document(settlement, mine[0], self.network, returns),
            headers={
                "Content-Disposition": f'attachment; filename="tollcast-payout-{payment_id}.json"',
                "Cache-Control": "private, no-cache",
            },
        )
