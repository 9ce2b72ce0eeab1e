"""A client of a running network."""

from dataclasses import dataclass
from typing import Any

import aiohttp
from stellar_sdk import (
    Asset,
    Keypair,
    Operation,
    Payment,
    TransactionBuilder,
    TransactionEnvelope,
)
from stellar_sdk.server_async import ServerAsync
from stellar_sdk.soroban_server_async import SorobanServerAsync

from metering.settlement.stellar_client import StellarClient
from tests.metering.localnet.running import RunningNetwork


@dataclass
class Peer:
    """The Python SDK on that network, and a session for what it does not do."""

    network: RunningNetwork
    rpc: SorobanServerAsync
    horizon: ServerAsync
    client: StellarClient
    session: aiohttp.ClientSession

    async def new_account(self) -> Keypair:
        keypair = Keypair.random()
        answer = await self.client.get(
            f"{self.network.url}/friendbot", params={"addr": keypair.public_key}
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["successful"]
        return keypair

    async def build(self, source: Keypair, *operations: Operation) -> TransactionEnvelope:
        account = await self.rpc.load_account(source.public_key)
        builder = TransactionBuilder(account, self.network.passphrase, base_fee=100)
        builder.operations = list(operations)
        envelope = builder.set_timeout(60).build()
        envelope.sign(source)
        return envelope

    async def control(self, name: str, **asked: Any) -> Any:
        answer = await self.client.post(f"{self.network.url}/network/{name}", json_data=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def faults(self, **faults: Any) -> None:
        answer = await self.client.post(f"{self.network.url}/faults", json_data=faults)
        assert answer.status_code == 200, answer.text


def pay(address: str, amount: str = "1") -> Payment:
    return Payment(destination=address, asset=Asset.native(), amount=amount)
