"""What the account page asks of a server: sessions, a history in pages, statements."""

from typing import Any

from aiohttp import web

from tests.web.fake_funding import FakeFunding

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
        self.funding = FakeFunding()
        self.plans: list[dict[str, Any]] = []
        self.subscription: dict[str, Any] | None = None

    def routes(self) -> list[web.RouteDef]:
        return [
            *self.funding.routes(),
            web.get("/api/v1/payments/history", self._history),
            web.get("/api/v1/payments/statements", self._statement),
            web.get("/api/v1/subscriptions/plans", self._plans),
            web.get("/api/v1/subscriptions", self._subscription),
            web.post("/api/v1/subscriptions", self._subscribe),
            web.patch("/api/v1/subscriptions/current", self._change_subscription),
        ]

    async def _history(self, request: web.Request) -> web.Response:
        begin = int(request.query.get("cursor", 0))
        end = begin + PAGE
        more = str(end) if end < len(self.movements) else None
        return web.json_response({"items": self.movements[begin:end], "next": more})

    async def _plans(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": self.plans})

    async def _subscription(self, _request: web.Request) -> web.Response:
        return self._subscribed()

    async def _subscribe(self, request: web.Request) -> web.Response:
        assert request.headers["Idempotency-Key"]
        plan = self._plan((await request.json())["plan"])
        self.subscription = {
            "id": "sub_1",
            "state": "active",
            "plan": plan,
            "nextPlan": plan,
            "began": "2026-11-01T10:00:00.000Z",
            "ends": "2026-12-01T10:00:00.000Z",
            "secondsUsed": 5_400,
            "endReason": None,
        }
        return self._subscribed(201)

    async def _change_subscription(self, request: web.Request) -> web.Response:
        assert self.subscription is not None
        name = (await request.json())["nextPlan"]
        self.subscription["nextPlan"] = None if name is None else self._plan(name)
        return self._subscribed()

    def _plan(self, name: str) -> dict[str, Any]:
        return next(each for each in self.plans if each["name"] == name)

    def _subscribed(self, status: int = 200) -> web.Response:
        document: dict[str, Any] = {
            "subscription": self.subscription,
            "trialDays": 0,
            "notices": [],
        }
        return web.json_response(document, status=status)

    async def _statement(self, request: web.Request) -> web.Response:
        self.statements.append(dict(request.query))
        return web.Response(text="account,currency\r\n", content_type="text/csv")
