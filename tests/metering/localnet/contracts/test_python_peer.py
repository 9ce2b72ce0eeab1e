"""Stellar's Python SDK calls contracts over RPC, as any wallet would. One process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stellar_sdk import Asset, Keypair, scval
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.contract import ContractClientAsync
from stellar_sdk.contract.exceptions import SimulationFailedError
from stellar_sdk.soroban_server_async import SorobanServerAsync

from metering.localnet import CHANNEL_WASM_HASH, PASSPHRASE
from metering.localnet.contracts.payment_channel import commitment
from metering.settlement.stellar_client import StellarClient
from tests.metering.localnet.running import RunningNetwork, running_network

pytestmark = pytest.mark.process

XLM = 10**7
LUMENS = Asset.native().contract_id(PASSPHRASE)


class Wallet:
    """The SDK with a key and play money."""

    def __init__(self, network: RunningNetwork, client: StellarClient) -> None:
        self.keypair = Keypair.random()
        self.address = self.keypair.public_key
        self.rpc = SorobanServerAsync(network.url, client)
        self._network, self._client = network, client

    async def fund(self) -> None:
        answer = await self._client.get(
            f"{self._network.url}/friendbot", params={"addr": self.address}
        )
        assert answer.status_code == 200, answer.text

    async def assembled(self, contract: str, name: str, *arguments: stellar_xdr.SCVal) -> Any:
        """A call that was simulated."""
        client = ContractClientAsync(contract, self._network.url, PASSPHRASE, self._client)
        return await client.invoke(name, arguments, self.address, self.keypair)

    async def call(self, contract: str, name: str, *arguments: stellar_xdr.SCVal) -> None:
        await (await self.assembled(contract, name, *arguments)).sign_and_submit()

    async def ask[T](self, contract: str, name: str, reader: Callable[[stellar_xdr.SCVal], T]) -> T:
        return reader((await self.assembled(contract, name)).result())


async def test_a_wallet_opens_a_payment_channel_that_pays(tmp_path: Path) -> None:
    with running_network(tmp_path / "state", close_ms=50) as network:
        client = StellarClient(seconds_max=20)
        try:
            await _pay(network, client)
            await _check_events(SorobanServerAsync(network.url, client))
        finally:
            await client.close()


async def _pay(network: RunningNetwork, client: StellarClient) -> None:
    viewer, hot = Wallet(network, client), Wallet(network, client)
    for wallet in (viewer, hot):
        await wallet.fund()
    key = Keypair.random()
    channel = await ContractClientAsync.create_contract(
        CHANNEL_WASM_HASH,
        viewer.address,
        viewer.keypair,
        viewer.rpc,
        constructor_args=[
            scval.to_address(LUMENS),
            scval.to_address(viewer.address),
            scval.to_bytes(key.raw_public_key()),
            scval.to_address(hot.address),
            scval.to_int128(50 * XLM),
            scval.to_uint32(17_280),
        ],
    )
    held = await viewer.rpc.get_sac_balance(channel, Asset.native())
    assert held.balance_entry is not None
    assert held.balance_entry.amount == 50 * XLM
    assert held.balance_entry.live_until_ledger is not None
    signature = scval.to_bytes(key.sign(commitment(20 * XLM, channel, PASSPHRASE)))
    await hot.call(channel, "settle", scval.to_int128(20 * XLM), signature)
    assert await viewer.ask(channel, "withdrawn", scval.from_int128) == 20 * XLM
    # Somebody else's transaction carries what the viewer signed: a transfer as x402 makes it.
    transfer = await hot.assembled(
        *(LUMENS, "transfer"),
        *(scval.to_address(viewer.address), scval.to_address(hot.address)),
        scval.to_int128(3 * XLM),
    )
    assert transfer.needs_non_invoker_signing_by() == {viewer.address}
    # By default for so few ledgers that they are over within five seconds here.
    await transfer.authorize(viewer.keypair, valid_for_ledger_count=2_000)
    await transfer.sign_and_submit()
    with pytest.raises(SimulationFailedError, match=r"Error\(Contract, #2\)"):
        await viewer.assembled(channel, "refund")


async def _check_events(rpc: SorobanServerAsync) -> None:
    told = await rpc.get_events(2)
    named = [(scval.to_native(event.topic[0]), event) for event in told.events]
    calls = [name for name, event in named if name != "fee"][2:]  # after friendbot's two gifts
    assert calls == [*("transfer", "open"), *("transfer", "withdraw"), "transfer"]
    amounts = [scval.to_native(event.value) for name, event in named if name == "transfer"]
    assert amounts[2:] == [50 * XLM, 20 * XLM, 3 * XLM]
