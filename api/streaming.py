"""Open, watch and close playback sessions."""

from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from api.area import RouteTable
from api.auth.account import Account
from api.auth.bearer import Bearers
from api.auth.client import place_of
from api.auth.playback_token import Grant, PlaybackTokens
from api.auth.session_clients import SessionClients
from api.catalogue.asset import Asset, AssetState
from api.catalogue.lookup import Catalogue
from api.errors import not_found
from api.event_stream import EventStreams
from api.idempotency import Document, Idempotency
from api.idempotency_store import Effect
from api.input import ConsentToPrice, StartSession, StopSession, read_body
from api.movements import Refunds
from api.passes import content_of
from api.session_feed import Paying, SessionFeed, is_over
from api.session_limits import SessionLimits
from api.splits import Payees
from api.wire import offer_json, timestamp
from config.clock import Clock
from config.limits import PLAYBACK_TOKEN_SECONDS, SESSIONS_AT_ONCE_MAX
from metering.intake import Intake
from metering.money import format_amount
from metering.offer import Offer
from metering.passes.admitted import Admitted
from metering.session import SessionSummary
from metering.subscriptions.included import Included
from metering.tariff import Price


@dataclass(frozen=True, slots=True)
class Streaming:
    """The routes under `/api/v1/streaming/`; sockets begin and end sessions here, too."""

    catalogue: Catalogue
    intake: Intake
    tokens: PlaybackTokens
    bearers: Bearers
    clock: Clock
    limits: SessionLimits
    refunds: Refunds
    idempotency: Idempotency
    streams: EventStreams
    payees: Payees
    admitted: Admitted
    included: Included
    paying: Paying
    clients: SessionClients

    # --- routes ----------------------------------------------------------------------------------

    def routes(self) -> RouteTable:
        return [
            web.post("/api/v1/streaming/start", self.start),
            web.post("/api/v1/streaming/stop", self.stop),
            web.post("/api/v1/streaming/consent", self.consent),
            web.get("/api/v1/streaming/sessions", self.list),
            web.get("/api/v1/streaming/sessions/{session}", self.get),
            web.get("/api/v1/streaming/sessions/{session}/events", self.events),
        ]

    async def start(self, request: web.Request) -> web.Response:
        self.intake.require_room()
        account = await self.bearers.account(request)
        wish = await read_body(request, StartSession)
        done = await self.idempotency.once(
            request, account.id, lambda effect: self.begin(account, wish, effect)
        )
        begun = self.begun(done.document)
        self.seen(str(begun["sessionId"]), request.remote)
        return web.json_response(begun, status=201, headers=done.headers)

    async def list(self, request: web.Request) -> web.Response:
        """What the account watches now; not what it looks at as its owner."""
        account = await self.bearers.account(request)
        open_ = await self.limits.sessions.open_of(account.id, SESSIONS_AT_ONCE_MAX)
        items = [await self.feed(each.id).look() for each in open_]
        return web.json_response({"items": items})

    async def get(self, request: web.Request) -> web.Response:
        summary = await self._own(request, request.match_info["session"])
        return web.json_response(await self.feed(summary.session_id).look())

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events (HTML Living Standard, 9.2): the same document when it changes."""
        summary = await self._own(request, request.match_info["session"])
        return await self.streams.push(request, self.feed(summary.session_id).look, is_over)

    async def stop(self, request: web.Request) -> web.Response:
        body = await read_body(request, StopSession)
        summary = await self._own(request, body.sessionId)
        done = await self.idempotency.once(
            request, summary.viewer, lambda _: self.end(summary.session_id)
        )
        return web.json_response(done.document, headers=done.headers)

    async def consent(self, request: web.Request) -> web.Response:
        """Go on at the higher price that the session's document tells of."""
        body = await read_body(request, ConsentToPrice)
        summary = await self._own(request, body.sessionId)

        async def agree(_: Effect) -> Document:
            await self.intake.agree(summary.session_id, body.epoch)
            return {"epoch": body.epoch}

        done = await self.idempotency.once(request, summary.viewer, agree)
        session = await self.feed(summary.session_id).look()
        return web.json_response(session, headers=done.headers)

    # --- for routes and sockets ------------------------------------------------------------------

    async def begin(self, account: Account, wish: StartSession, effect: Effect) -> Document:
        """Open the one session of this effect; what is remembered of it has no token in it.

        Raises:
            Problem: 404, 409; see `Catalogue.playable` and `SessionLimits.room`.
            Whatever `Intake.open` raises.
        """
        session_id = effect.id("ses")
        summary = await self.intake.begun(session_id) if effect.attempt > 1 else None
        if summary is None:
            summary = await self._open(account, wish, session_id)
        return {
            "sessionId": summary.session_id,
            "contentId": summary.asset_id,
            "expires": self.clock.wall_ms() // 1000 + PLAYBACK_TOKEN_SECONDS,
            "price": offer_json(summary.tariff),
            "balance": format_amount(summary.balance),
            "secondsAffordable": summary.seconds_affordable,
        }

    def begun(self, document: Document) -> Document:
        """What to answer to who opened it: the same as it was answered first."""
        answer = dict(document)
        expires_s, content_id = answer.pop("expires"), answer["contentId"]
        session_id = answer["sessionId"]
        assert isinstance(expires_s, int), "it is ours"
        assert isinstance(content_id, str), "it is ours"
        assert isinstance(session_id, str), "it is ours"
        token = self.tokens.session_token(Grant(session_id, expires_s), content_id)
        return {
            **answer,
            "playbackUrl": f"/hls/{content_id}/{token}/master.m3u8",
            "token": token,
            "expiresAt": timestamp(datetime.fromtimestamp(expires_s, UTC)),
        }

    async def end(self, session_id: str) -> Document:
        """Close a session; again is the same as once."""
        summary = await self.intake.close(session_id)
        return {
            "sessionId": summary.session_id,
            "secondsBilled": summary.seconds_billed,
            "amount": format_amount(summary.amount),
            "asset": summary.price.asset,
            "ticks": summary.ticks,
        }

    async def own(self, account: Account, session_id: str) -> SessionSummary:
        """A session of this account; another's looks as if it did not exist.

        Raises:
            Problem: 404.
        """
        summary = await self.intake.summary(session_id)
        if summary.viewer != account.id:
            raise not_found("no such session")
        return summary

    def seen(self, session_id: str, address: str | None) -> None:
        """A session's owner asks about it from this address, and so may watch it there."""
        self.clients.prove(session_id, place_of(address or ""))

    def feed(self, session_id: str) -> SessionFeed:
        """What there is to say about a session from now on."""
        return SessionFeed(session_id, self.intake, self.refunds, self.paying)

    async def _own(self, request: web.Request, session_id: str) -> SessionSummary:
        summary = await self.own(await self.bearers.account(request), session_id)
        self.seen(session_id, request.remote)
        return summary

    async def _open(self, account: Account, wish: StartSession, session_id: str) -> SessionSummary:
        asset = await self.catalogue.playable(wish.contentId)
        if asset.owner == account.id:
            return await self.intake.open(
                account.id, asset.id, asset.owner, _free(asset), session_id, _live_at(asset)
            )
        payee = await self.payees.of(asset)
        async with self.limits.room(account.id, replace_oldest=wish.replace == "oldest"):
            offer = await self._offer(account.id, asset, session_id)
            return await self.intake.open(
                account.id, asset.id, payee, offer, session_id, _live_at(asset)
            )

    async def _offer(self, account: str, asset: Asset, session_id: str) -> Offer:
        """What it costs this viewer: a pass comes first, so that no month is used up beside it."""
        now = self._now()
        free = await self.admitted.offer(account, content_of(asset), asset.offer, now)
        if free is not None:
            return free
        return await self.included.offer(account, session_id, asset.offer, now)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.wall_ms() / 1000, UTC)


def _live_at(asset: Asset) -> str:
    """The server that makes what is live, in whose memory it is; any has the rest."""
    return (asset.server or "") if asset.state is AssetState.LIVE else ""


def _free(asset: Asset) -> Price:
    """Owners preview their own content without charge."""
    return Price(asset.offer.price.asset, 0, 1)
