"""Passes as the fake server sells them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from aiohttp import web

from tests.web.fake_prices import amount


class Till(Protocol):
    """Whose balance pays."""

    balance: int
    contents: dict[str, dict[str, Any]]


def offers(*passes: tuple[int, int]) -> list[dict[str, Any]]:
    """What is offered: hours and stroops of each."""
    return [
        {"hours": hours, "stroops": str(stroops), "amount": amount(stroops), "asset": "XLM"}
        for hours, stroops in passes
    ]


def offered_for(asked: list[dict[str, int]]) -> list[dict[str, Any]]:
    """What a request to offer passes comes to."""
    return offers(*((each["hours"], each["stroops"]) for each in asked))


class FakePasses:
    """A test sets what an account has, and finds what it bought.

    Attributes:
        held: by content.
        keys: of the requests that bought something, or tried to.
    """

    def __init__(self, till: Till, refuse: Callable[[int, str, str], web.Response]) -> None:
        self._till = till
        self._refuse = refuse
        self.held: dict[str, dict[str, Any]] = {}
        self.keys: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/content/{id}/passes", self._look),
            web.post("/api/v1/content/{id}/passes", self._buy),
            web.get("/api/v1/passes", self._list),
        ]

    async def _look(self, request: web.Request) -> web.Response:
        found = self._till.contents[request.match_info["id"]]
        return web.json_response({"items": found["passes"], "held": self.held.get(found["id"])})

    async def _buy(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers["Idempotency-Key"])
        found, wish = self._till.contents[request.match_info["id"]], await request.json()
        (offer,) = (each for each in found["passes"] if each["hours"] == wish["hours"])
        assert wish["amount"] == offer["amount"]
        if self._till.balance < int(offer["stroops"]):
            return self._refuse(402, "1 XLM is needed and 0 XLM is there", "insufficient_funds")
        self._till.balance -= int(offer["stroops"])
        self.held[found["id"]] = held(found, **wish)
        return web.json_response(self.held[found["id"]], status=201)

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": list(self.held.values())})


def held(content: dict[str, Any], hours: int, amount: str, **other: Any) -> dict[str, Any]:
    """A pass that was bought just now."""
    now = datetime.now(UTC)
    return {
        "passId": "pas_1",
        "contentId": content["id"],
        "title": content["title"],
        "hours": hours,
        "asset": "XLM",
        "amount": amount,
        "began": now.isoformat(),
        "ends": (now + timedelta(hours=hours)).isoformat(),
        "good": True,
        **other,
    }
