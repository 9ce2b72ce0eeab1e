"""What an account earned: pending in the ledger, on its way, and paid out on Stellar."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from api.area import RouteTable
from api.auth.account import Account
from api.auth.bearer import Bearers
from api.broadcasts import Broadcasts
from api.event_stream import EventStreams
from api.wire import timestamp
from config.limits import EARNINGS_STREAMS_MAX
from metering.intake import Intake
from metering.money import format_amount
from metering.passes.passes import Sold
from metering.settlement.earnings import EarningsQuery
from metering.settlement.outbox import PayoutView, State
from metering.settlement.transaction import Slot, claimable_id

_CLAIMABLE = "claimable"


class PassSales(Protocol):
    """Who knows what came of passes."""

    async def sold(self, account: str, asset: str) -> Sold: ...


@dataclass(slots=True)
class EarningsRoutes:
    """The routes `/api/v1/earnings` and its event stream."""

    query: EarningsQuery
    passes: PassSales
    intake: Intake
    broadcasts: Broadcasts
    bearers: Bearers
    asset: str
    stopping: asyncio.Event
    _streams: EventStreams = field(init=False)

    def __post_init__(self) -> None:
        # Pages draw what was earned over time, also when that is nothing.
        self._streams = EventStreams("earnings", EARNINGS_STREAMS_MAX, self.stopping, repeats=True)

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/earnings", self.get),
            web.get("/api/v1/earnings/events", self.events),
        ]

    async def get(self, request: web.Request) -> web.Response:
        """Also for who publishes nothing: others may have given them a share."""
        account = await self.bearers.account(request)
        return web.json_response(await self._document(account))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events (HTML Living Standard, 9.2): the same document each second."""
        account = await self.bearers.account(request)
        return await self._streams.push(request, lambda: self._document(account))

    async def _document(self, account: Account) -> dict[str, object]:
        earnings = await self.query.earnings(account.id, self.asset)
        sold = await self.passes.sold(account.id, self.asset)
        address = account.stellar_address
        on_chain = None if address is None else await self.query.on_chain_balance(address)
        assets = [b.asset.id for b in self.broadcasts.all() if b.source.owner == account.id]
        return {
            "asset": self.asset,
            "pending": format_amount(earnings.pending),
            "inFlight": format_amount(earnings.in_flight),
            "settled": format_amount(earnings.settled),
            "total": format_amount(earnings.total),
            "passesSold": sold.count,
            "ofPasses": format_amount(sold.amount),
            "viewers": sum(self.intake.viewers(asset) for asset in assets),
            "address": address,
            "onChain": None if on_chain is None else format_amount(on_chain),
            "obstacle": earnings.obstacle,
            "payouts": [payout_document(payout) for payout in earnings.payouts],
        }


def payout_document(payout: PayoutView) -> dict[str, object]:
    """A payout; of one that is to be claimed also the balance that the payee's wallet claims."""
    state, balance = _state(payout), None
    if state == _CLAIMABLE and payout.sequence is not None:
        balance = claimable_id(Slot(payout.source, payout.sequence, 0), payout.place)
    return {
        "id": payout.id,
        "amount": format_amount(payout.amount),
        "state": state,
        "code": payout.code,
        "claimableBalance": balance,
        "transactionHash": payout.transaction_hash,
        "createdAt": timestamp(payout.created_at),
    }


def _state(payout: PayoutView) -> str:
    """How far it is; of what was left to be claimed also what became of that."""
    if not payout.claimable or payout.state != State.APPLIED:
        return payout.state
    if payout.reclaimed:
        return "reclaimed"
    return "claimed" if payout.claimed else _CLAIMABLE
