"""A closed session's receipt over HTTP, for who paid and for who earned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from aiohttp import web

from api.area import RouteTable
from api.auth.account import Account
from api.auth.bearer import Bearers
from api.errors import Problem, not_found
from config.clock import Clock
from metering.receipts.maker import Receipts, Sessions, StillOpen
from metering.receipts.receipt import Receipt, Settled, Sign, receipt_text
from metering.session import Session
from metering.shares.splits import is_split
from metering.shares.store import SplitStore


class Settlements(Protocol):
    """Where it is looked up which payouts carried a session's earnings."""

    async def settled(self, receipt: Receipt) -> Sequence[Settled]: ...


@dataclass(frozen=True, slots=True)
class ReceiptRoutes:
    """The route `/api/v1/streaming/sessions/{session}/receipt`."""

    receipts: Receipts
    sessions: Sessions
    splits: SplitStore
    settlements: Settlements
    sign: Sign
    bearers: Bearers
    clock: Clock

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/streaming/sessions/{session}/receipt", self.get),
        ]

    async def get(self, request: web.Request) -> web.Response:
        account = await self.bearers.account(request)
        saved = await self.sessions.session(request.match_info["session"])
        if saved is None or not await self._concerns(saved.session, account):
            raise not_found("no such session")
        try:
            receipt = await self.receipts.of(saved.session.id)
        except StillOpen:
            detail = "its receipt is made when it ends"
            raise Problem(409, "session_open", "This session is not over", detail) from None
        settled = await self.settlements.settled(receipt)
        now = datetime.fromtimestamp(self.clock.wall_ms() / 1000, UTC)
        name = f"tollcast-receipt-{receipt.session_id}.json"
        return web.Response(
            text=receipt_text(receipt, settled, now, self.sign),
            content_type="application/json",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "private, no-cache",
            },
        )

    async def _concerns(self, session: Session, account: Account) -> bool:
        if account.id in (session.viewer, session.payee):
            return True
        split = await self.splits.get(session.payee) if is_split(session.payee) else None
        return split is not None and account.id in {share.account for share in split.shares}
