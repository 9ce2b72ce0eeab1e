"""One table of routes, and the middleware that every request passes."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import structlog
from aiohttp import web

from api.area import Area
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

    def areas(self) -> Iterator[Area]:
        for field in fields(self):
            yield getattr(self, field.name)


def make_application(routes: Routes, trusted_proxies: Sequence[str] = ()) -> web.Application:
    """All routes behind all middlewares; what proxies of these networks tell is believed."""
    application = web.Application(
        client_max_size=API_BODY_BYTES_MAX,
        middlewares=[answer_errors, BehindFronts(trusted_proxies).middleware],
    )
    for area in routes.areas():
        application.add_routes(area.routes())
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
