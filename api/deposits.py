"""How a viewer pays in, and what came in."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from io import BytesIO

import segno
from aiohttp import web

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.errors import invalid, unavailable
from api.wire import timestamp
from config.limits import DEPOSITS_LISTED_MAX, WALLET_WAIT_SECONDS_MAX
from metering.funding.deposit_store import DepositStore
from metering.funding.pay_uri import pay_uri
from metering.money import Stroops, format_amount
from metering.settlement.strkey import Address, account_key, write_address

_MESSAGE = "To your Tollcast balance"
# Modules of white around a QR code (ISO/IEC 18004, 5.3.8).
_QUIET_ZONE = 4


@dataclass(frozen=True, slots=True)
class Deposits:
    """The routes `/api/v1/payments/deposit`, its QR codes, and `/api/v1/payments/deposits`.

    Attributes:
        address: where everybody pays in; known when the wallet is open.
        assets: what is taken, the first one by default.
        minimum: less is not credited.
    """

    store: DepositStore
    bearers: Bearers
    address: Callable[[], Awaitable[str]]
    passphrase: str
    assets: tuple[str, ...]
    minimum: Stroops

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/payments/deposit", self.get),
            web.get("/api/v1/payments/deposit/qr.svg", self.picture),
            web.get("/api/v1/payments/deposits", self.list),
        ]

    async def get(self, request: web.Request) -> web.Response:
        """An address of the account's own, and the same as a memo for wallets that know no other
        way.
        """
        account = await self.bearers.account(request)
        number, address = await self._number(account.id), await self._address()
        links = {each: self._link(address, number, each) for each in self.assets}
        return web.json_response(
            {
                "address": address,
                "muxedAddress": write_address(Address(account_key(address), number)),
                "memo": str(number),
                "memoType": "id",
                "networkPassphrase": self.passphrase,
                "minimum": format_amount(self.minimum),
                "uri": links[self.assets[0]],
                "assets": [{"asset": asset, "uri": uri} for asset, uri in links.items()],
            }
        )

    async def picture(self, request: web.Request) -> web.Response:
        """The link as a QR code that wallets on telephones read."""
        account = await self.bearers.account(request)
        asset = request.query.get("asset", self.assets[0])
        if asset not in self.assets:
            raise invalid(f"asset: one of {', '.join(self.assets)}")
        link = self._link(await self._address(), await self._number(account.id), asset)
        headers = {"Cache-Control": "no-store"}
        return web.Response(body=qr_code(link), content_type="image/svg+xml", headers=headers)

    async def list(self, request: web.Request) -> web.Response:
        """What was credited, the newest first."""
        account = await self.bearers.account(request)
        found = await self.store.deposits(account.id, DEPOSITS_LISTED_MAX)
        items = [
            {
                "id": each.event,
                "asset": each.asset,
                "amount": format_amount(each.amount),
                "at": timestamp(each.at),
                "source": each.source,
                "transactionHash": each.transaction,
                "ledger": each.ledger,
            }
            for each in found
        ]
        return web.json_response({"items": items})

    async def _number(self, account: str) -> int:
        return await self.store.number(account)

    async def _address(self) -> str:
        try:
            async with asyncio.timeout(WALLET_WAIT_SECONDS_MAX):
                return await self.address()
        except TimeoutError:
            raise unavailable("the wallet is not open yet", retry_after_s=2) from None

    def _link(self, address: str, number: int, asset: str) -> str:
        return pay_uri(address, number, asset, self.passphrase, _MESSAGE)


def qr_code(text: str) -> bytes:
    """An SVG image, black on white whatever it is laid on: readers need the contrast."""
    written = BytesIO()
    segno.make(text, error="m", micro=False).save(
        written, kind="svg", xmldecl=False, border=_QUIET_ZONE, dark="#000", light="#fff",
        svgclass=None, lineclass=None, omitsize=True,
    )  # fmt: skip
    return written.getvalue()
