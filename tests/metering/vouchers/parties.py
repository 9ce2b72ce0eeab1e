"""Who takes part in a payment channel on a local network: its payer, us, and the session key."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from nacl.signing import SigningKey
from stellar_sdk import Asset, Keypair

from metering.localnet import CHANNEL_WASM_HASH
from metering.money import Stroops
from metering.settlement.chain import LUMENS
from metering.settlement.friendbot import HttpFriendbot
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.rpc_node import RpcNode
from metering.settlement.sending import Found
from metering.settlement.stellar_client import StellarClient
from metering.settlement.stellar_rpc import StellarRpc
from metering.signer.collecting import CollectingOrder, authorization_hash
from metering.vouchers.channel_terms import ChannelTerms
from metering.vouchers.commitment import Commitments, network_id
from metering.vouchers.payment_channel import Voucher
from metering.vouchers.stellar_contract import StellarContracts, token_of
from metering.vouchers.stellar_wallet import ChannelWallet, Opening
from tests.metering.localnet.running import RunningNetwork

LOOKS_MAX = 300
WAITING = 17_280


class HotKey:
    """Implements `CollectingSigner`."""

    def __init__(self, passphrase: str) -> None:
        self._keys = Keypair.random()
        self._passphrase = passphrase
        self.hot = self._keys.public_key

    async def authorize(self, order: CollectingOrder) -> bytes:
        return self._keys.sign(authorization_hash(order, self._passphrase))


class SessionKey:
    """Signs vouchers, as a browser does."""

    def __init__(self, passphrase: str) -> None:
        self._keys = SigningKey.generate()
        self._network = network_id(passphrase)
        self.public = bytes(self._keys.verify_key)

    def voucher(self, contract: str, cumulative: int) -> Voucher:
        message = Commitments(contract, self._network).message(cumulative)
        return Voucher(contract, Stroops(cumulative), self._keys.sign(message).signature)


@dataclass(frozen=True, slots=True)
class Parties:
    """All of them have accounts with 10,000 lumens."""

    chain: StellarRpc
    node: RpcNode
    hot: HotKey
    contracts: StellarContracts
    wallet: ChannelWallet
    key: SessionKey
    terms: ChannelTerms

    def opening(self, amount: int = 1_000_000, waiting: int = WAITING) -> Opening:
        return Opening(
            wasm=CHANNEL_WASM_HASH,
            token=self.terms.token,
            recipient=self.hot.hot,
            key=self.key.public,
            amount=Stroops(amount),
            waiting_ledgers=waiting,
        )

    async def outcome(self, envelope: SignedEnvelope) -> Found:
        """Send it, and wait for what becomes of it."""
        for _ in range(LOOKS_MAX):
            await self.chain.send(envelope)
            seen = await self.chain.look(envelope)
            if isinstance(seen, Found):
                return seen
            await asyncio.sleep(0.1)
        raise AssertionError("it never became part of a ledger")

    async def held(self, address: str) -> int:
        """What an account holds, in stroops."""
        there = await self.chain.holdings(address)
        return 0 if there is None else there.balance


@asynccontextmanager
async def parties_on(network: RunningNetwork) -> AsyncIterator[Parties]:
    """Everybody on a network that runs."""
    client, passphrase = StellarClient(), network.passphrase
    node = RpcNode(network.url, passphrase, client)
    hot = HotKey(passphrase)
    token = token_of(Asset.native(), passphrase)
    contracts = StellarContracts(node, passphrase, token, Keypair.random().secret, hot)
    wallet = ChannelWallet(node, Keypair.random().secret, poll_ms=100)
    friendbot = HttpFriendbot(f"{network.url}/friendbot", client)
    try:
        for address in (hot.hot, contracts.payer, wallet.address):
            await friendbot.fund(address)
        yield Parties(
            StellarRpc(network.url, passphrase, LUMENS, client),
            node,
            hot,
            contracts,
            wallet,
            SessionKey(passphrase),
            ChannelTerms(frozenset([CHANNEL_WASM_HASH]), token, "XLM", hot.hot, passphrase),
        )
    finally:
        await client.close()
