"""A wallet of two keys signs in at the whole server, which asks its chain who has to sign."""

from typing import Any

import aiohttp
import pytest
from stellar_sdk import Keypair, Signer, TransactionBuilder, TransactionEnvelope
from stellar_sdk.server_async import ServerAsync

from metering.localnet import PASSPHRASE
from metering.settlement.stellar_client import StellarClient
from tests.end_to_end.running_server import RunningServer, client_of, eventually

pytestmark = pytest.mark.end_to_end


async def share(server: RunningServer, owner: Keypair, other: Keypair) -> None:
    """Give an account play money, and let it be of two: each weighs one, and it takes two."""
    url, client = server.announced["network_url"], StellarClient()
    async with ServerAsync(url, client) as horizon:
        funded = await client.get(f"{url}/friendbot", params={"addr": owner.public_key})
        assert funded.status_code == 200, funded.text
        account = await horizon.load_account(owner.public_key)
        builder = TransactionBuilder(account, PASSPHRASE, 100).set_timeout(60)
        signer = Signer.ed25519_public_key(other.public_key, 1)
        envelope = builder.append_set_options_op(signer=signer, med_threshold=2).build()
        envelope.sign(owner)
        assert (await horizon.submit_transaction(envelope))["successful"]


async def answered(http: aiohttp.ClientSession, owner: Keypair, *keys: Keypair) -> Any:
    """What the server says; on a machine that is busy, at last."""

    async def try_once() -> Any:
        answer = await try_to_sign_in(http, owner, *keys)
        return None if answer.get("status") == 503 else answer

    return await eventually(try_once, 60, "the chain says who signs")


async def try_to_sign_in(http: aiohttp.ClientSession, owner: Keypair, *keys: Keypair) -> Any:
    async with http.get("/auth", params={"account": owner.public_key}) as answer:
        challenge = await answer.json()
    envelope = TransactionEnvelope.from_xdr(challenge["transaction"], PASSPHRASE)
    for key in keys:
        envelope.sign(key)
    async with http.post("/auth", json={"transaction": envelope.to_xdr()}) as answer:
        return await answer.json()


async def test_a_shared_account_comes_in_when_as_many_sign_as_the_chain_says(
    server: RunningServer,
) -> None:
    owner, other = Keypair.random(), Keypair.random()
    await share(server, owner, other)
    async with aiohttp.ClientSession(server.http_url) as http:
        alone = await answered(http, owner, owner)
        assert "weight 1 do not meet threshold 2" in alone["error"]
        granted = await answered(http, owner, owner, other)
    token = {"Authorization": f"Bearer {granted['token']}"}
    async with client_of(server, **token) as wallet:
        session = await wallet.get("/api/v1/auth/session")
        assert session["session"]["subject"] == owner.public_key
        # What a guest's token opens, this one does as well.
        await wallet.post("/api/v1/sandbox/fund", {})
        assert (await wallet.get("/api/v1/payments/balance"))["balance"] == "5.0000000"
        await wallet.post("/api/v1/auth/logout", {}, status=204)
        await wallet.get("/api/v1/payments/balance", status=401)
