"""What the account page asks about money from and to a wallet."""

from typing import Any

from aiohttp import web

from api.deposits import qr_code

ADDRESS = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"
MUXED = "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVAAAAAAAAAAAAAJLK"
URI = f"web+stellar:pay?destination={ADDRESS}&memo=9223372036854775807&memo_type=MEMO_ID"


def deposit(number: int, sum_: str, asset: str = "XLM") -> dict[str, Any]:
    """Money that came in."""
    return {
        "id": f"{number:064x}:0",
        "asset": asset,
        "amount": sum_,
        "at": "2026-11-30T10:00:00.000Z",
        "source": "GCEZWKCA5VLDNRLN3RPRJMRZOX3Z6G5CHCGSNFHEYVXM3XOJMDS674JZ",
        "transactionHash": f"{number:064x}",
        "ledger": number,
    }


class FakeFunding:
    """A test sets what there is, and finds what was asked for.

    Attributes:
        deposits: what came in, the newest first.
        withdrawals: what was asked for, the newest first.
        refusal: answered to the next wish.
        wishes: bodies and keys of what was asked for.
        assets: what is taken.
    """

    def __init__(self) -> None:
        self.deposits: list[dict[str, Any]] = []
        self.withdrawals: list[dict[str, Any]] = []
        self.refusal: dict[str, Any] | None = None
        self.wishes: list[tuple[dict[str, str], str]] = []
        self.assets = ["XLM"]

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/payments/deposit", self._address),
            web.get("/api/v1/payments/deposit/qr.svg", self._code),
            web.get("/api/v1/payments/deposits", self._deposits),
            web.get("/api/v1/payments/withdrawals", self._withdrawals),
            web.post("/api/v1/payments/withdraw", self._withdraw),
        ]

    async def _address(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "address": ADDRESS,
                "muxedAddress": MUXED,
                "memo": "9223372036854775807",
                "memoType": "id",
                "networkPassphrase": "fake",
                "minimum": "0.0010000",
                "uri": URI,
                "assets": [{"asset": asset, "uri": URI} for asset in self.assets],
            }
        )

    async def _code(self, _request: web.Request) -> web.Response:
        return web.Response(body=qr_code(URI), content_type="image/svg+xml")

    async def _deposits(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": self.deposits})

    async def _withdrawals(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": self.withdrawals})

    async def _withdraw(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.wishes.append((body, request.headers["Idempotency-Key"]))
        if self.refusal is not None:
            problem, self.refusal = self.refusal, None
            return web.json_response(problem, status=problem["status"])
        made = {
            "withdrawalId": f"wdr_{len(self.withdrawals)}",
            "state": "requested",
            "code": None,
            "memo": body.get("memo"),
            "memoType": "id" if "memo" in body else None,
            "requestedAt": "2026-11-30T10:00:00.000Z",
            "transactionHash": None,
            "asset": body["asset"],
            "amount": body["amount"],
            "address": body["address"],
        }
        self.withdrawals.insert(0, made)
        return web.json_response(made, status=202)
