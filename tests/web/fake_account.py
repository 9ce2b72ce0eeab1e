"""What the account page asks of a server: sessions, a history in pages, statements."""

from typing import Any

from aiohttp import web

PAGE = 2


def movement(kind: str, reference: str, sum_: str, **other: Any) -> dict[str, Any]:
    """One line of a history."""
    return {
        "type": kind,
        "reference": reference,
        "asset": "XLM",
        "amount": sum_,
        "held": "0.0000000",
        "at": "2026-11-21T10:00:00.000Z",
        "endedAt": None,
        "state": None,
        "contentId": None,
        "title": None,
        "transactionHash": None,
        "lines": [],
        **other,
    }


def watched(reference: str, sum_: str, title: str, *lines: dict[str, Any]) -> dict[str, Any]:
    """A session of a viewer that has ended."""
    about = {"contentId": "film", "title": title, "state": "closed", "lines": list(lines)}
    return movement("watched", reference, sum_, **about)


def line(kind: str, reason: str, sum_: str, seconds: int | None = None) -> dict[str, Any]:
    """Why a part of a session's amount was moved."""
    return {"type": kind, "reason": reason, "amount": sum_, "at": None, "seconds": seconds}


class FakeAccount:
    """A test sets what there is, and finds what was asked for.

    Attributes:
        sessions_max: how many the account may have open.
        asked: sessions whose figures were asked for, not followed.
        start_keys: of the requests that began sessions.
        statements: the periods.
    """

    def __init__(self) -> None:
        self.sessions_max = 100
        self.asked: list[str] = []
        self.start_keys: list[str] = []
        self.movements: list[dict[str, Any]] = []
        self.balances: list[dict[str, Any]] = []
        self.statements: list[dict[str, str]] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/payments/history", self._history),
            web.get("/api/v1/payments/statements", self._statement),
        ]

    async def _history(self, request: web.Request) -> web.Response:
        begin = int(request.query.get("cursor", 0))
        end = begin + PAGE
        more = str(end) if end < len(self.movements) else None
        return web.json_response({"items": self.movements[begin:end], "next": more})

    async def _statement(self, request: web.Request) -> web.Response:
        self.statements.append(dict(request.query))
        return web.Response(text="account,currency\r\n", content_type="text/csv")
