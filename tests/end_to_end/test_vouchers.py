"""A page in Chromium pays for a live by vouchers it signs, closes, and every stroop is where it was
signed for: in the books and on the chain.
"""

from typing import Any

import pytest
from playwright.async_api import Page
from stellar_sdk import Asset, Keypair

from metering.localnet import PASSPHRASE
from metering.money import parse_amount
from metering.settlement.rpc_node import RpcNode
from metering.settlement.stellar_client import StellarClient
from metering.vouchers.payment_channel import ContractState
from metering.vouchers.stellar_contract import StellarContracts, token_of
from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import Client, RunningServer, client_of, eventually
from tests.end_to_end.test_browser import browser_page
from tests.metering.vouchers.parties import HotKey

pytestmark = [pytest.mark.end_to_end, pytest.mark.peer, pytest.mark.timeout(180)]

WAIT_MS = 60_000
# What the first voucher is for is used up within seconds: 0.01 XLM each.
PRICE = ("--price.stroops=100000", "--price.seconds=1")


async def test_a_page_pays_by_vouchers_and_takes_the_rest_back(start: Any) -> None:
    server = await start(*PRICE)
    async with (
        client_of(server, **server.creator) as creator,
        publishing(f"{server.rtmp_url}/{server.announced['stream_key']}"),
        browser_page() as page,
    ):
        page.set_default_timeout(WAIT_MS)
        await eventually(lambda: is_live(creator), 60, "the stream is live")
        await page.goto(f"{server.http_url}/watch/main")
        contract = await opens_a_payment_channel(page)
        async with client_of(server, Authorization=f"Bearer {await token_of_guest(page)}") as guest:
            assert (await guest.get("/api/v1/payments/balance"))["balance"] == "0.0000000"
            paid = await watches_on_vouchers(page, guest, contract)
            await page.get_by_role("button", name="Close and take back the rest").click()
            await page.wait_for_selector("#purse-closed")
            closed = await guest.get(f"/api/v1/payments/channels/{contract}")
            assert (closed["state"], closed["collected"]) == ("closed", paid)
            assert closed["accepted"] == paid
            balance = await guest.get("/api/v1/payments/balance")
            assert (balance["balance"], balance["held"]) == ("0.0000000", "0.0000000")
        on_chain = await contract_state(server, contract)
        assert (on_chain.withdrawn, on_chain.balance) == (parse_amount(paid), 0)
        # Every movement of the hot account is explained, and it holds what the ledger says.
        report = await eventually(
            lambda: reconciled(creator, closed["closesAtLedger"]), 60, "the books were compared"
        )
        assert report["verdict"] == "agree", report


async def is_live(creator: Client) -> bool | None:
    content = await creator.get("/api/v1/content/main")
    return True if content["state"] == "live" else None


async def reconciled(creator: Client, ledger: int) -> dict[str, Any] | None:
    """What a comparison with the chain found that has seen this ledger."""
    report: dict[str, Any] = await creator.get("/api/v1/admin/reconciliation/latest")
    return report if report["ledgers"]["until"] >= ledger else None


async def opens_a_payment_channel(page: Page) -> str:
    await page.get_by_text("Pay from your own wallet").click()
    await page.get_by_role("button", name="Open with play money").click()
    contract = await page.locator("#purse-contract").get_attribute("title")
    assert contract is not None
    return contract


async def token_of_guest(page: Page) -> str:
    token: str = await page.evaluate("() => localStorage.getItem('tollcast.guest')")
    return token


async def watches_on_vouchers(page: Page, guest: Client, contract: str) -> str:
    """Until more was paid than the first voucher was for; what was charged in the end."""
    await page.get_by_role("button", name="Watch", exact=True).click()
    await page.wait_for_function("() => tollcast.state === 'playing' && tollcast.currentTime > 0")
    first = parse_amount((await guest.get(f"/api/v1/payments/channels/{contract}"))["accepted"])
    assert first > 0

    async def paid_more() -> bool | None:
        channel = await guest.get(f"/api/v1/payments/channels/{contract}")
        return True if parse_amount(channel["accepted"]) > first else None

    await eventually(paid_more, 60, "another voucher came")
    await page.wait_for_function("() => tollcast.state === 'playing'")
    await page.get_by_role("button", name="Stop").click()
    await page.wait_for_selector("#receipt")
    paid: str = (await page.locator(".receipt-paid strong").inner_text()).split()[0]
    assert parse_amount(paid) > 0
    return paid


async def contract_state(server: RunningServer, contract: str) -> ContractState:
    """What the chain itself says."""
    url = server.announced["network_url"]
    client = StellarClient()
    try:
        node = RpcNode(url, PASSPHRASE, client)
        token = token_of(Asset.native(), PASSPHRASE)
        reader = StellarContracts(
            node, PASSPHRASE, token, Keypair.random().secret, HotKey(PASSPHRASE)
        )
        return (await reader.read([contract]))[contract]
    finally:
        await client.close()
