"""An x402 client is asked for money, signs a transfer, and is credited, or has bought a pass."""

import asyncio
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest
from stellar_sdk import Keypair, scval
from stellar_sdk.contract import AssembledTransactionAsync, ContractClientAsync

from metering.localnet import PASSPHRASE
from metering.settlement.stellar_client import StellarClient
from tests.end_to_end.conftest import StartServer
from tests.end_to_end.films import made, make_film, upload
from tests.end_to_end.running_server import (
    COME_BACK_SECONDS_MAX,
    Client,
    RunningServer,
    client_of,
    eventually,
)
from tests.end_to_end.viewer import files, watch

pytestmark = [pytest.mark.end_to_end, pytest.mark.peer]

Document = dict[str, Any]
ROUTE = "/api/v1/payments/top-up"
SECONDS = 4


@dataclass
class Wallet:
    """A payer with play money, as an x402 client uses one: it signs, and sends nothing."""

    url: str
    client: StellarClient
    payer: Keypair
    other: Keypair

    async def fund(self) -> None:
        for each in (self.payer, self.other):
            answer = await self.client.get(
                f"{self.url}/friendbot", params={"addr": each.public_key}
            )
            assert answer.status_code == 200, answer.text

    async def pay(self, required: Document) -> str:
        """The header that answers a 402, from what that says alone."""
        [terms] = required["accepts"]
        client = ContractClientAsync(terms["asset"], self.url, PASSPHRASE, self.client)
        arguments = [
            scval.to_address(self.payer.public_key),
            scval.to_address(terms["payTo"]),
            scval.to_int128(int(terms["amount"])),
        ]
        call: AssembledTransactionAsync[Any] = await client.invoke(
            "transfer", arguments, self.other.public_key
        )
        ledgers = terms["maxTimeoutSeconds"]
        await call.authorize(self.payer, valid_for_ledger_count=ledgers)
        assert call.built_transaction is not None
        payment = {
            "x402Version": 2,
            "resource": required["resource"],
            "accepted": terms,
            "payload": {"transaction": call.built_transaction.to_xdr()},
        }
        return b64encode(json.dumps(payment).encode()).decode()


@dataclass
class Guest:
    """An account of the server."""

    http: aiohttp.ClientSession

    async def top_up(self, amount: str, payment: str | None = None) -> tuple[int, Document, Any]:
        return await self.pays(ROUTE, {"amount": amount}, payment)

    async def pays(
        self, route: str, body: Document, payment: str | None = None
    ) -> tuple[int, Document, Any]:
        """Status, document, and what the headers say, read. On a machine that is busy a server asks
        to be asked again: until its wallet is open, and until the ledger is closed and booked.
        """

        async def answered() -> tuple[int, Document, Any] | None:
            told = await self._ask(route, body, payment)
            if told[0] not in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.ACCEPTED):
                return told
            await asyncio.sleep(2)  # not more often than payments may be presented
            return None

        return await eventually(answered, COME_BACK_SECONDS_MAX, "an answer for good")

    async def _ask(
        self, route: str, body: Document, payment: str | None
    ) -> tuple[int, Document, Any]:
        headers = {} if payment is None else {"PAYMENT-SIGNATURE": payment}
        headers["Idempotency-Key"] = "-".join(["once", *map(str, body.values())])
        async with self.http.post(route, json=body, headers=headers) as answer:
            told = [
                json.loads(b64decode(answer.headers[name]))
                for name in ("PAYMENT-REQUIRED", "PAYMENT-RESPONSE")
                if name in answer.headers
            ]
            document = await answer.json(content_type=None)
            return answer.status, document, told[0] if told else None

    async def balance(self) -> str:
        async with self.http.get("/api/v1/payments/balance") as answer:
            document: Document = await answer.json()
            return str(document["balance"])


async def guest_of(server: RunningServer) -> Guest:
    async with client_of(server) as anyone:
        token = (await anyone.post("/api/v1/guests", status=201))["token"]
    headers = {"Authorization": f"Bearer {token}"}
    return Guest(aiohttp.ClientSession(server.http_url, headers=headers))


async def test_a_client_that_is_asked_to_pay_signs_and_is_credited_once(
    start: StartServer, tmp_path: Path
) -> None:
    server, film = await asyncio.gather(
        start("--payments.platform_fee_bps=1000"),
        make_film(tmp_path / "film.mp4", SECONDS, size="320x180", rate=10, keyframes=20),
    )
    client = StellarClient(seconds_max=20)
    wallet = Wallet(server.announced["network_url"], client, Keypair.random(), Keypair.random())
    guest, stranger = await guest_of(server), await guest_of(server)
    try:
        await wallet.fund()
        content = await _film_with_a_pass(server, film)
        await _pays(wallet, guest, stranger)
        await _buys_a_pass(wallet, stranger, content)
        await _watches_for_nothing(server, stranger, content)
    finally:
        await asyncio.gather(guest.http.close(), stranger.http.close(), client.close())


async def _pays(wallet: Wallet, guest: Guest, stranger: Guest) -> None:
    status, problem, required = await guest.top_up("12.5")
    assert (status, problem["code"]) == (402, "payment_required")
    assert required["accepts"] == problem["accepts"]
    payment = await wallet.pay(required)
    # Neither for another amount nor for somebody else, whose terms have another recipient.
    for who, amount in ((guest, "12"), (stranger, "12.5")):
        status, problem, required = await who.top_up(amount, payment)
        assert (status, required["error"]) == (402, "invalid_payment_requirements")
    status, document, settled = await guest.top_up("12.5", payment)
    assert status == 200, document
    assert document["credited"] is True
    assert document["balance"] == "12.5000000"
    assert settled["success"] is True
    assert settled["payer"] == wallet.payer.public_key
    assert settled["transaction"] == document["transactionHash"]
    again = await asyncio.gather(*(guest.top_up("12.5", payment) for _ in range(3)))
    assert {each[1]["transactionHash"] for each in again} == {settled["transaction"]}
    assert await guest.balance() == "12.5000000"
    assert await stranger.balance() == "0.0000000"


async def _film_with_a_pass(server: RunningServer, film: Path) -> str:
    """One that costs something by the second, and one unit for a day."""
    async with client_of(server, **server.creator) as creator:
        content = str((await upload(creator, film, priceStroops="1000000", priceSeconds="1"))["id"])
        await made(creator, content)
        passes = {"passes": [{"hours": 24, "stroops": 10_000_000}]}
        async with creator.http.patch(f"/api/v1/content/{content}", json=passes) as answer:
            assert answer.status == 200, await answer.text()
    return content


async def _buys_a_pass(wallet: Wallet, stranger: Guest, content: str) -> None:
    route, body = f"/api/v1/content/{content}/passes", {"hours": 24, "amount": "1.0000000"}
    status, problem, required = await stranger.pays(route, body)
    assert (status, problem["code"]) == (402, "payment_required")
    payment = await wallet.pay(required)
    status, bought, settled = await stranger.pays(route, body, payment)
    assert status == 201, bought
    # What was credited too late for its own request was spent by the next one, as any balance is.
    assert settled is None or settled["payer"] == wallet.payer.public_key
    again = await stranger.pays(route, body, payment)
    assert again == (status, bought, settled)
    assert await stranger.balance() == "0.0000000"


async def _watches_for_nothing(server: RunningServer, stranger: Guest, content: str) -> None:
    viewer = await watch(Client(stranger.http), content)
    for url, playlist in (await viewer.media_playlists()).items():
        for uri in files(playlist).values():
            await viewer.body(urljoin(url, uri))

    async def billed() -> bool | None:
        return True if (await viewer.summary())["secondsBilled"] == SECONDS else None

    await eventually(billed, SECONDS + COME_BACK_SECONDS_MAX, "all of the film is billed")
    stopped = await viewer.stop()
    assert (stopped["secondsBilled"], stopped["amount"]) == (SECONDS, "0.0000000")
    assert await stranger.balance() == "0.0000000"
    async with client_of(server, **server.creator) as creator:
        earnings = await creator.get("/api/v1/earnings")
    assert (earnings["passesSold"], earnings["ofPasses"]) == (1, "0.9000000")
    assert earnings["total"] == "0.9000000"
