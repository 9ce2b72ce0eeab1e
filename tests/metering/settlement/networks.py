"""Networks that the chain's port is tried on: the local one, and the test network when it is there.

The same tests run over RPC and Horizon. What they know of a network is its URLs and its passphrase.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import pytest
from stellar_sdk import Account, Asset, Keypair, Memo, MuxedAccount, Operation, TransactionBuilder
from stellar_sdk import Payment as PaymentOperation

from metering.settlement.chain import LUMENS, SettledAsset
from metering.settlement.feed import ChainPayment, Feed
from metering.settlement.friendbot import HttpFriendbot
from metering.settlement.horizon import Horizon
from metering.settlement.lifecycle import Answer
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.sending import Found
from metering.settlement.stellar_client import StellarClient
from metering.settlement.stellar_rpc import StellarRpc
from tests.metering.localnet.running import RunningNetwork

PATIENCE_SECONDS = 60
APIS = ("rpc", "horizon")
_LOCAL = [("local", api) for api in APIS]
_HERE = [pytest.param(each, marks=pytest.mark.process, id=" ".join(each)) for each in _LOCAL]
# Ledgers close every 5 s there.
_FAR = (pytest.mark.testnet, pytest.mark.timeout(600))
_THERE = [pytest.param(("test", api), marks=_FAR, id=f"testnet {api}") for api in APIS]

# For tests that take a `visitor`: on the local network and the test one, or on the local one only.
everywhere = pytest.mark.parametrize("visitor", [*_HERE, *_THERE], indirect=True)
here = pytest.mark.parametrize("visitor", _HERE, indirect=True)
here_over_rpc = pytest.mark.parametrize("visitor", _HERE[:1], indirect=True)

_POLL_SECONDS = 0.05
_FAR_SECONDS_MAX = 5


@dataclass(frozen=True, slots=True)
class Town:
    """Where a network is to be had."""

    rpc_url: str
    horizon_url: str
    friendbot_url: str
    passphrase: str
    poll_seconds: float = _POLL_SECONDS

    @property
    def is_there(self) -> bool:
        """Whether something listens under each of its names."""
        urls = (self.rpc_url, self.horizon_url, self.friendbot_url)
        return all(_listens(url) for url in urls)


# Stellar docs, "Networks".
TESTNET = Town(
    rpc_url="https://soroban-testnet.stellar.org",
    horizon_url="https://horizon-testnet.stellar.org",
    friendbot_url="https://friendbot.stellar.org",
    passphrase="Test SDF Network ; September 2015",
    poll_seconds=1,
)


@cache
def _listens(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), _FAR_SECONDS_MAX).close()
    except OSError:
        return False
    return True


class Visitor:
    """Somebody with money in a town, and the chain as seen over one of its two APIs."""

    def __init__(self, town: Town, api: str, asset: SettledAsset = LUMENS) -> None:
        self.town = town
        self.api = api
        self.client = StellarClient()
        self.friendbot = HttpFriendbot(town.friendbot_url, self.client)
        self.chain = self.over(api, asset=asset)
        self.keys = Keypair.random()

    @property
    def address(self) -> str:
        return self.keys.public_key

    def over(
        self, api: str, *, passphrase: str | None = None, asset: SettledAsset = LUMENS
    ) -> StellarRpc | Horizon:
        """The same town over an API."""
        name = self.town.passphrase if passphrase is None else passphrase
        if api == "horizon":
            return Horizon(self.town.horizon_url, name, asset, self.client)
        return StellarRpc(self.town.rpc_url, name, asset, self.client)

    async def arrive(self) -> None:
        """Get lumens."""
        await self.friendbot.fund(self.address)
        await self.until(lambda: self.chain.account(self.address))

    async def until[T](
        self, look: Callable[[], Awaitable[T | None]], seconds: float = PATIENCE_SECONDS
    ) -> T:
        """What is there at last."""
        async with asyncio.timeout(seconds):
            while True:
                seen = await look()
                if seen is not None:
                    return seen
                await asyncio.sleep(self.town.poll_seconds)

    async def sign(
        self, *operations: Operation, memo: Memo | None = None, seconds: int = 60, ahead: int = 1
    ) -> SignedEnvelope:
        """A transaction of ours; `ahead` of what the account's sequence number is now."""
        account = await self.until(lambda: self.chain.account(self.address))
        tip = await self.chain.tip()
        source = Account(self.address, account.sequence + ahead - 1)
        builder = TransactionBuilder(source, self.town.passphrase, base_fee=1000)
        builder.operations = list(operations)
        if memo is not None:
            builder.memo = memo
        builder.add_time_bounds(0, tip.close_time + seconds)
        envelope = builder.build()
        envelope.sign(self.keys)
        return SignedEnvelope(
            xdr=envelope.to_xdr(),
            hash=envelope.hash_hex(),
            source=self.address,
            sequence=account.sequence + ahead,
            max_time=tip.close_time + seconds,
            fee=1000 * len(operations),
            ledger=tip.ledger,
        )

    async def do(self, *operations: Operation, memo: Memo | None = None) -> Found:
        """Sign, send, and wait until it is part of a ledger."""
        envelope = await self.sign(*operations, memo=memo)
        answered = await self.chain.send(envelope)
        assert answered.answer == Answer.ACCEPTED, answered
        return await self.found(envelope)

    async def found(self, envelope: SignedEnvelope) -> Found:
        """How it ended."""

        async def look() -> Found | None:
            seen = await self.chain.look(envelope)
            return seen if isinstance(seen, Found) else None

        return await self.until(look)

    async def payments(
        self, feed: Feed, count: int, *, cursor: str | None = None, limit: int = 10
    ) -> list[ChainPayment]:
        """So many payments of a feed, page by page."""
        found: list[ChainPayment] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(found) < count:
                page = await feed.after(cursor, limit)
                assert page.cursor != cursor or not page.payments
                found += page.payments
                cursor = page.cursor
                await asyncio.sleep(0 if page.payments else self.town.poll_seconds)
        return found


def pay(address: str, amount: str, *, muxed_id: int | None = None) -> PaymentOperation:
    """An operation that pays lumens."""
    target = address if muxed_id is None else MuxedAccount(address, muxed_id)
    return PaymentOperation(destination=target, asset=Asset.native(), amount=amount)


async def set_faults(network: RunningNetwork, faults: Mapping[str, object]) -> None:
    """What goes wrong on the local network from now on."""
    client = StellarClient()
    answer = await client.post(f"{network.url}/faults", json_data=dict(faults))
    assert answer.status_code == 200, answer.text
    await client.close()
