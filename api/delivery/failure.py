"""Refusals of requests for media: the problem documents of the rest of the API."""

import json
import secrets

from api.delivery.answer import CORS, Answer, field_lines, kind, with_body
from api.errors import PROBLEM_TYPE
from api.failures import problem_of

_TYPE = ("Content-Type", f"{PROBLEM_TYPE}; charset=utf-8")
_NOT_STORED = ("Cache-Control", "no-store")


def failure(error: Exception, method: str) -> Answer:
    """What an expected error is answered with."""
    problem = problem_of(error)
    assert problem is not None, "the error is one of `api.failures.EXPECTED`"
    request_id = secrets.token_hex(8)
    body = json.dumps(problem.document(request_id)).encode()
    extra = (("X-Request-Id", request_id), *problem.headers.items())
    return with_body(
        kind(problem.status, _TYPE, _NOT_STORED, *CORS), body, method, field_lines(extra)
    )
