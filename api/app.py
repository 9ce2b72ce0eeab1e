"""One table of routes, and the middleware that every request passes."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from aiohttp import web

from api.behind_fronts import BehindFronts, Handler
from api.captions import Captions
from api.channel_losses import ChannelLossRoutes
from api.clips import ClipRoutes
from api.content import Content
from api.content_upload import ContentUpload
from api.delivery.route import MediaRoutes
from api.delivery.tally import requests as _requests
from api.deposits import Deposits
from api.doors import Doors
from api.download import Downloads
from api.earnings import EarningsRoutes
from api.errors import Problem
from api.failures import problem_of
from api.health import Health
from api.jobs import Jobs
from api.obs_multitrack import ObsMultitrack
from api.pages import Pages
from api.passes import PassRoutes
from api.payment_channels import PaymentChannels
from api.payments import Payments
from api.pictures import Pictures
from api.proofs import ProofRoutes
from api.publish_tokens import PublishTokens
from api.receipts import ReceiptRoutes
from api.reconciliation import ReconciliationRoutes
from api.session_sockets import SessionSockets
from api.sources import Sources
from api.splits import SplitRoutes
from api.statements import Statements
from api.stream_keys import StreamKeys
from api.streaming import Streaming
from api.subscriptions import SubscriptionRoutes
from api.suspense import SuspenseRoutes
from api.system import System
from api.top_ups import TopUps
from api.uploads import UploadRoutes
from api.withdrawals import Withdrawals
from config.limits import API_BODY_BYTES_MAX

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Routes:
    """Everything that answers HTTP."""

    pages: Pages
    media: MediaRoutes
    streaming: Streaming
    sockets: SessionSockets
    content: Content
    content_upload: ContentUpload
    captions: Captions
    pictures: Pictures
    clips: ClipRoutes
    downloads: Downloads
    uploads: UploadRoutes
    jobs: Jobs
    sources: Sources
    stream_keys: StreamKeys
    publish_tokens: PublishTokens
    obs_multitrack: ObsMultitrack
    payments: Payments
    deposits: Deposits
    top_ups: TopUps
    withdrawals: Withdrawals
    suspense: SuspenseRoutes
    reconciliation: ReconciliationRoutes
    channel_losses: ChannelLossRoutes
    payment_channels: PaymentChannels
    statements: Statements
    receipts: ReceiptRoutes
    proofs: ProofRoutes
    splits: SplitRoutes
    subscriptions: SubscriptionRoutes
    passes: PassRoutes
    earnings: EarningsRoutes
    health: Health
    system: System
    doors: Doors


def make_application(routes: Routes, trusted_proxies: Sequence[str] = ()) -> web.Application:
    """All routes behind all middlewares; what proxies of these networks tell is believed."""
    doors, channels = routes.doors, routes.payment_channels
    application = web.Application(
        client_max_size=API_BODY_BYTES_MAX,
        middlewares=[answer_errors, BehindFronts(trusted_proxies).middleware],
    )
    application.add_routes(
        [
            web.get("/", routes.pages.home),
            web.get("/watch/{content}", routes.pages.watch),
            web.get("/studio", routes.pages.studio),
            web.get("/account", routes.pages.account),
            web.get("/login", routes.pages.login),
            web.get("/verify", routes.pages.verify),
            web.get("/assets/{path:.+}", routes.pages.asset),
            web.get("/favicon.svg", routes.pages.icon),
            web.get("/hls/{asset}/{token}/{path:.+}", routes.media.handle),
            web.options("/hls/{asset}/{token}/{path:.+}", routes.media.handle),
            web.get("/media/{asset}/{path:.+}", routes.media.handle),
            web.options("/media/{asset}/{path:.+}", routes.media.handle),
            web.get("/health", routes.health.live),
            web.get("/ready", routes.health.ready),
            web.get("/metrics", routes.health.metrics),
            web.get("/.well-known/stellar.toml", doors.toml.get),
            web.get("/auth", doors.wallets.challenge),
            web.post("/auth", doors.wallets.answer),
            web.options("/auth", doors.wallets.preflight),
            web.get("/api/v1/auth/challenge", doors.wallets.challenge),
            web.post("/api/v1/auth/verify", doors.wallets.answer),
            web.post("/api/v1/auth/register", doors.passwords.register),
            web.post("/api/v1/auth/login", doors.passwords.log_in),
            web.post("/api/v1/auth/password", doors.passwords.change),
            web.post("/api/v1/auth/refresh", doors.sessions.refresh),
            web.post("/api/v1/auth/logout", doors.sessions.log_out),
            web.get("/api/v1/auth/session", doors.sessions.get),
            web.get("/api/v1/auth/sessions", doors.sessions.list),
            web.delete("/api/v1/auth/sessions/{session}", doors.sessions.end),
            web.get("/api/v1/auth/profile", doors.profile.get),
            web.patch("/api/v1/auth/profile", doors.profile.change),
            web.post("/api/v1/auth/wallets", doors.wallets.link),
            web.delete("/api/v1/auth/wallets/{subject}", doors.wallets.unlink),
            web.get("/api/v1/auth/keys", doors.keys.list),
            web.post("/api/v1/auth/keys", doors.keys.create),
            web.delete("/api/v1/auth/keys/{key}", doors.keys.revoke),
            web.get("/api/v1/system", routes.system.get),
            web.post("/api/v1/guests", routes.payments.create_guest),
            web.post("/api/v1/sandbox/fund", routes.payments.fund),
            web.get("/api/v1/payments/balance", routes.payments.balance),
            web.get("/api/v1/payments/deposit", routes.deposits.get),
            web.get("/api/v1/payments/deposit/qr.svg", routes.deposits.picture),
            web.get("/api/v1/payments/deposits", routes.deposits.list),
            web.post("/api/v1/payments/top-up", routes.top_ups.post),
            web.post("/api/v1/payments/withdraw", routes.withdrawals.post),
            web.get("/api/v1/payments/withdrawals", routes.withdrawals.list),
            web.get("/api/v1/payments/withdrawals/{withdrawal}", routes.withdrawals.get),
            web.get("/api/v1/admin/suspense", routes.suspense.list),
            web.post("/api/v1/admin/suspense/assign", routes.suspense.assign),
            web.post("/api/v1/admin/suspense/return", routes.suspense.give_back),
            web.get("/api/v1/admin/reconciliation/latest", routes.reconciliation.latest),
            web.get("/api/v1/admin/reconciliation/{date}", routes.reconciliation.of_day),
            web.post("/api/v1/admin/reconciliation/accept", routes.reconciliation.accept),
            web.get("/api/v1/admin/channel-losses", routes.channel_losses.list),
            web.get("/api/v1/admin/channel-losses/{channel}", routes.channel_losses.get),
            web.post(
                "/api/v1/admin/channel-losses/{channel}/write-off", routes.channel_losses.write_off
            ),
            web.post("/api/v1/sandbox/payment-channels", channels.open_in_play),
            web.get("/api/v1/payments/channel-terms", channels.terms),
            web.get("/api/v1/payments/channels", channels.list),
            web.post("/api/v1/payments/channels", channels.register),
            web.get("/api/v1/payments/channels/{channel}", channels.get),
            web.post("/api/v1/payments/channels/{channel}/vouchers", channels.accept),
            web.post("/api/v1/payments/channels/{channel}/close", channels.close),
            web.get("/api/v1/payments/history", routes.statements.history),
            web.get("/api/v1/payments/proofs/{payment}", routes.proofs.get),
            web.get("/api/v1/payments/statements", routes.statements.statement),
            web.get("/api/v1/subscriptions", routes.subscriptions.get),
            web.post("/api/v1/subscriptions", routes.subscriptions.post),
            web.patch("/api/v1/subscriptions/current", routes.subscriptions.patch),
            web.get("/api/v1/subscriptions/plans", routes.subscriptions.list_plans),
            web.get("/api/v1/passes", routes.passes.list),
            web.get("/api/v1/content", routes.content.list),
            web.post("/api/v1/content", routes.content_upload.post),
            web.get("/api/v1/content/events", routes.content.events),
            web.get("/api/v1/content/{content}", routes.content.get),
            web.patch("/api/v1/content/{content}", routes.content.change),
            web.delete("/api/v1/content/{content}", routes.content.delete),
            web.get("/api/v1/content/{content}/status", routes.content.status),
            web.get("/api/v1/content/{content}/splits", routes.splits.get_of_content),
            web.put("/api/v1/content/{content}/splits", routes.splits.put_of_content),
            web.get("/api/v1/content/{content}/passes", routes.passes.offers),
            web.post("/api/v1/content/{content}/passes", routes.passes.buy),
            web.put("/api/v1/content/{content}/captions/{language}", routes.captions.put),
            web.get("/api/v1/content/{content}/captions/{language}", routes.captions.get),
            web.delete("/api/v1/content/{content}/captions/{language}", routes.captions.delete),
            web.post("/api/v1/content/{content}/clips", routes.clips.post),
            web.get("/api/v1/content/{content}/download", routes.downloads.get),
            web.post("/api/v1/content/{content}/download-links", routes.downloads.create_link),
            web.get("/api/v1/downloads/{link}", routes.downloads.follow_link),
            web.get("/api/v1/content/{content}/storyboard.vtt", routes.pictures.storyboard),
            web.get(
                r"/api/v1/content/{content}/{picture:(?:poster|storyboard-\d{1,6})\.jpg}",
                routes.pictures.picture,
            ),
            web.options("/api/v1/uploads", routes.uploads.options),
            web.post("/api/v1/uploads", routes.uploads.create),
            web.head("/api/v1/uploads/{upload}", routes.uploads.head),
            web.patch("/api/v1/uploads/{upload}", routes.uploads.patch),
            web.delete("/api/v1/uploads/{upload}", routes.uploads.delete),
            web.get("/api/v1/jobs", routes.jobs.list),
            web.get("/api/v1/jobs/events", routes.jobs.events),
            web.delete("/api/v1/jobs/{job}", routes.jobs.cancel),
            web.post("/api/v1/streaming/start", routes.streaming.start),
            web.post("/api/v1/streaming/stop", routes.streaming.stop),
            web.post("/api/v1/streaming/consent", routes.streaming.consent),
            web.get("/api/v1/streaming/sessions", routes.streaming.list),
            web.get("/api/v1/streaming/sessions/{session}", routes.streaming.get),
            web.get("/api/v1/streaming/sessions/{session}/events", routes.streaming.events),
            web.get("/api/v1/streaming/sessions/{session}/receipt", routes.receipts.get),
            web.get("/api/v1/streaming/ws", routes.sockets.handle),
            web.get("/api/v1/sources", routes.sources.list),
            web.post("/api/v1/sources", routes.sources.create),
            web.get("/api/v1/sources/events", routes.sources.events),
            web.get("/api/v1/sources/{source}", routes.sources.get),
            web.patch("/api/v1/sources/{source}", routes.sources.change),
            web.get("/api/v1/sources/{source}/splits", routes.splits.get_of_source),
            web.put("/api/v1/sources/{source}/splits", routes.splits.put_of_source),
            web.post("/api/v1/sources/{source}/regenerate-key", routes.stream_keys.regenerate),
            web.get("/api/v1/sources/{source}/keys", routes.stream_keys.list),
            web.post("/api/v1/sources/{source}/keys", routes.stream_keys.create),
            web.delete("/api/v1/sources/{source}/keys/{key}", routes.stream_keys.revoke),
            web.post("/api/v1/sources/{source}/publish-token", routes.publish_tokens.create),
            web.get("/api/v1/sources/{source}/obs-multitrack.json", routes.obs_multitrack.get),
            web.get("/.well-known/jwks.json", routes.publish_tokens.key_set),
            web.get("/api/v1/earnings", routes.earnings.get),
            web.get("/api/v1/earnings/events", routes.earnings.events),
        ]
    )
    return application


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every failure into a problem document; the second place that sees every exception."""
    request_id = secrets.token_hex(8)
    route = request.match_info.route.resource
    name = "unknown" if route is None else route.canonical
    try:
        response = await handler(request)
    except ConnectionError:
        _requests.labels(name, "aborted").inc()
        raise
    except Exception as error:
        problem = problem_of(error)
        if problem is None:
            log.exception("request failed", route=name, request_id=request_id)
            problem = Problem(500, "internal", "Something broke here; it has been logged")
        _requests.labels(name, str(problem.status)).inc()
        return problem.response(request_id)
    _requests.labels(name, str(response.status)).inc()
    if not response.prepared:
        response.headers["X-Request-Id"] = request_id
    return response
