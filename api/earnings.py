"""What a creator earned: pending in the ledger, on its way, and paid out on Stellar."""

import asyncio
import json
from dataclasses import dataclass, field

from aiohttp import web

from api.auth.account import Account
from api.auth.bearer import Bearers
from api.broadcasts import Broadcasts
from api.errors import unavailable
from api.wire import timestamp
from config.limits import EARNINGS_STREAMS_MAX
from metering.intake import Intake
from metering.money import format_amount
from metering.settlement.earnings import EarningsQuery

_PUSH_SECONDS = 1.0


@dataclass(slots=True)
class EarningsRoutes:
    """The routes `/api/v1/earnings` and its event stream."""

    query: EarningsQuery
    intake: Intake
    broadcasts: Broadcasts
    bearers: Bearers
    asset: str
    stopping: asyncio.Event
    _streams: int = field(default=0, init=False)

    async def get(self, request: web.Request) -> web.Response:
        creator = await self.bearers.creator(request)
        return web.json_response(await self._document(creator))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events (HTML Living Standard, 9.2): the same document each second."""
        creator = await self.bearers.creator(request)
        if self._streams >= EARNINGS_STREAMS_MAX:
            raise unavailable("too many earnings streams are open", retry_after_s=10)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        self._streams += 1
        try:
            while not self.stopping.is_set():
                document = json.dumps(await self._document(creator), separators=(",", ":"))
                await response.write(f"event: earnings\ndata: {document}\n\n".encode())
                await _wait(self.stopping, _PUSH_SECONDS)
        except ConnectionError:
            pass  # The page was closed: that is how each of these streams ends.
        finally:
            self._streams -= 1
        return response

    async def _document(self, creator: Account) -> dict[str, object]:
        earnings = await self.query.earnings(creator.id, self.asset)
        address = creator.stellar_address
        on_chain = None if address is None else await self.query.on_chain_balance(address)
        assets = [b.asset.id for b in self.broadcasts.all() if b.source.owner == creator.id]
        return {
            "asset": self.asset,
            "pending": format_amount(earnings.pending),
            "inFlight": format_amount(earnings.in_flight),
            "settled": format_amount(earnings.settled),
            "total": format_amount(earnings.total),
            "viewers": sum(self.intake.viewers(asset) for asset in assets),
            "address": address,
            "onChain": None if on_chain is None else format_amount(on_chain),
            "payouts": [
                {
                    "id": payout.id,
                    "amount": format_amount(payout.amount),
                    "state": payout.state,
                    "transactionHash": payout.transaction_hash,
                    "createdAt": timestamp(payout.created_at),
                }
                for payout in earnings.payouts
            ],
        }


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
