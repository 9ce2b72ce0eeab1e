"""The application: what answers HTTP, and the middlewares that every request passes."""

import secrets
from collections.abc import Sequence

import structlog
from aiohttp import web

from api.area import Area
from api.behind_fronts import BehindFronts, Handler
from api.delivery.tally import requests as _requests
from api.errors import Problem
from api.failures import problem_of
from config.limits import API_BODY_BYTES_MAX

log = structlog.get_logger(__name__)


def make_application(areas: Area, trusted_proxies: Sequence[str] = ()) -> web.Application:
    """Areas behind all middlewares; what proxies of these networks tell is believed."""
    application = web.Application(
        client_max_size=API_BODY_BYTES_MAX,
        middlewares=[answer_errors, BehindFronts(trusted_proxies).middleware],
    )
    application.add_routes(areas.routes())
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
