"""Errors on the wire: one problem document (RFC 9457), one table from domain errors to HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

PROBLEM_TYPE = "application/problem+json"


@dataclass(eq=False)
class Problem(Exception):
    """An answer that is not a success, in words a person can act on.

    Attributes:
        status: HTTP status code.
        code: stable, machine-readable name; `type` on the wire is `urn:tollcast:problem:CODE`.
        title: the same for every occurrence of this code.
        detail: about this occurrence.
        headers: extra response headers, e.g. `Retry-After`.
        extra: members of the document that only this code has (RFC 9457, 3.2).
    """

    status: int
    code: str
    title: str
    detail: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)

    def document(self, request_id: str) -> dict[str, object]:
        """The problem document; `request_id` names this answer for people and the log."""
        return {
            "type": f"urn:tollcast:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.title,
            "code": self.code,
            "requestId": request_id,
            **self.extra,
        }

    def response(self, request_id: str) -> "web.Response":
        # Serving processes answer without aiohttp, and are a quarter smaller for it.
        from aiohttp import web

        return web.json_response(
            self.document(request_id),
            status=self.status,
            content_type=PROBLEM_TYPE,
            headers=self.headers,
        )


def unauthorised(detail: str) -> Problem:
    headers = {"WWW-Authenticate": 'Bearer realm="tollcast"'}
    return Problem(401, "unauthorised", "Sign in first", detail, headers)


def forbidden(detail: str) -> Problem:
    return Problem(403, "forbidden", "Not yours", detail)


def not_found(detail: str) -> Problem:
    return Problem(404, "not_found", "No such thing", detail)


def invalid(detail: str) -> Problem:
    return Problem(400, "invalid_request", "The request is not valid", detail)


def payment_required(detail: str) -> Problem:
    return Problem(402, "insufficient_funds", "The balance is short", detail)


def unavailable(detail: str, retry_after_s: int = 1) -> Problem:
    return Problem(
        503, "try_again", "Not now, try again", detail, {"Retry-After": str(retry_after_s)}
    )
