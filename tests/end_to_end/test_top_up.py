"""An x402 client pays in with one request: asked for money it signs a transfer, and is credited."""

import asyncio
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest
from stellar_sdk import Keypair, scval
from stellar_sdk.contract import AssembledTransactionAsync, ContractClientAsync

from metering.localnet import PASSPHRASE
from metering.settlement.stellar_client import StellarClient
from tests.end_to_end.running_server import (
    COME_BACK_SECONDS_MAX,
    RunningServer,
    client_of,
    eventually,
)

pytestmark = pytest.mark.end_to_end

Document = dict[str, Any]
ROUTE = "/api/v1/payments/top-up"


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
        """Status, document, and what the headers say, read. On a machine that is busy a server asks
        to be asked again: until its wallet is open, and until the ledger is closed and booked.
        """

        async def answered() -> tuple[int, Document, Any] | None:
            told = await self._ask(amount, payment)
            if told[0] not in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.ACCEPTED):
                return told
            await asyncio.sleep(2)  # not more often than payments may be presented
            return None

        return await eventually(answered, COME_BACK_SECONDS_MAX, "an answer for good")

    async def _ask(self, amount: str, payment: str | None) -> tuple[int, Document, Any]:
        headers = {} if payment is None else {"PAYMENT-SIGNATURE": payment}
        async with self.http.post(ROUTE, json={"amount": amount}, headers=headers) as answer:
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
    server: RunningServer,
) -> None:
    client = StellarClient(seconds_max=20)
    wallet = Wallet(server.announced["network_url"], client, Keypair.random(), Keypair.random())
    guest, stranger = await guest_of(server), await guest_of(server)
    try:
        await wallet.fund()
        await _pays(wallet, guest, stranger)
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
