"""Open, watch and close playback sessions."""

from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from api.auth.bearer import Bearers
from api.auth.playback_token import Grant, PlaybackTokens
from api.catalogue.asset import Asset
from api.catalogue.lookup import Catalogue
from api.errors import not_found
from api.input import StartSession, StopSession, read_body
from api.wire import price_json, timestamp
from config.clock import Clock
from config.limits import PLAYBACK_TOKEN_SECONDS
from metering.intake import Intake
from metering.money import format_amount
from metering.session import SessionSummary
from metering.tariff import Price


@dataclass(frozen=True, slots=True)
class Streaming:
    """The routes under `/api/v1/streaming/`."""

    catalogue: Catalogue
    intake: Intake
    tokens: PlaybackTokens
    bearers: Bearers
    clock: Clock

    async def start(self, request: web.Request) -> web.Response:
        account = await self.bearers.account(request)
        body = await read_body(request, StartSession)
        asset = await self.catalogue.playable(body.contentId)
        price = _free(asset) if asset.owner == account.id else asset.price
        summary = await self.intake.open(
            viewer=account.id, asset_id=asset.id, payee=asset.owner, offer=price
        )
        expires_s = self.clock.wall_ms() // 1000 + PLAYBACK_TOKEN_SECONDS
        token = self.tokens.session_token(Grant(summary.session_id, expires_s), asset.id)
        answer = {
            "sessionId": summary.session_id,
            "playbackUrl": f"/hls/{asset.id}/{token}/master.m3u8",
            "token": token,
            "expiresAt": timestamp(datetime.fromtimestamp(expires_s, UTC)),
            "price": price_json(price),
            "balance": format_amount(summary.balance),
            "secondsAffordable": summary.seconds_affordable,
        }
        return web.json_response(answer, status=201)

    async def get(self, request: web.Request) -> web.Response:
        summary = await self._own(request, request.match_info["session"])
        return web.json_response(
            {
                "sessionId": summary.session_id,
                "state": summary.state.value,
                "secondsBilled": summary.seconds_billed,
                "amount": format_amount(summary.amount),
                "held": format_amount(summary.held),
                "asset": summary.price.asset,
                "balance": format_amount(summary.balance),
                "secondsAffordable": summary.seconds_affordable,
            }
        )

    async def stop(self, request: web.Request) -> web.Response:
        body = await read_body(request, StopSession)
        await self._own(request, body.sessionId)
        summary = await self.intake.close(body.sessionId)
        return web.json_response(
            {
                "sessionId": summary.session_id,
                "secondsBilled": summary.seconds_billed,
                "amount": format_amount(summary.amount),
                "asset": summary.price.asset,
                "ticks": summary.ticks,
            }
        )

    async def _own(self, request: web.Request, session_id: str) -> SessionSummary:
        """A session of the asking account; another's looks as if it did not exist."""
        account = await self.bearers.account(request)
        summary = await self.intake.summary(session_id)
        if summary.viewer != account.id:
            raise not_found("no such session")
        return summary


def _free(asset: Asset) -> Price:
    """Owners preview their own content without charge."""
    return Price(asset.price.asset, 0, 1)
