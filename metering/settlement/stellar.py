"""Stellar's addresses and seeds, and the chain with the hot account's key in it, over RPC."""

from stellar_sdk import Keypair, StrKey
from stellar_sdk.client.base_async_client import BaseAsyncClient

from config.limits import SETTLEMENT_ENVELOPE_SECONDS
from metering.settlement.chain import LUMENS, SettledAsset, UnknownHotAccount
from metering.settlement.outbox import Settlement, SignedEnvelope
from metering.settlement.stellar_rpc import StellarRpc
from metering.settlement.transaction import Slot, build


class BadSeed(ValueError):
    """Not a Stellar secret seed (S...); the seed itself is not told."""


class BadAddress(ValueError):
    """Not a Stellar account address (G...)."""


def new_seed() -> str:
    """A fresh secret seed, to be kept in a file that only the server reads."""
    return Keypair.random().secret


def address_of(seed: str) -> str:
    """The account address (G...) of a secret seed.

    Raises:
        BadSeed: not a seed.
    """
    return _keypair(seed).public_key


def _keypair(seed: str) -> Keypair:
    try:
        return Keypair.from_secret(seed)
    except ValueError:
        # Without the cause: its message repeats the seed.
        raise BadSeed("not a Stellar secret seed") from None


def checked_address(text: str) -> str:
    """The address itself.

    Raises:
        BadAddress: it is none.
    """
    if not StrKey.is_valid_ed25519_public_key(text):
        raise BadAddress(f"not a Stellar address: {text[:60]!r}")
    return text


class StellarChain(StellarRpc):
    """Adds the hot account to `StellarRpc`: builds and signs what pays from it.

    Args:
        url: of a Stellar RPC server.
        passphrase: of the network that is meant; a node of another one is refused.
        seed: the hot account's secret seed. It is not logged and not part of any message.
        client: how to reach the node; closed by `close`.
        asset: what is paid out.

    Raises:
        BadSeed: not a seed.
    """

    def __init__(
        self,
        url: str,
        passphrase: str,
        seed: str,
        client: BaseAsyncClient,
        asset: SettledAsset = LUMENS,
    ) -> None:
        self._keypair = _keypair(seed)
        super().__init__(url, passphrase, asset, client)

    @property
    def address(self) -> str:
        return self._keypair.public_key

    async def sign(self, settlement: Settlement) -> SignedEnvelope:
        account = await self.account(self.address)
        tip = await self.tip()
        if account is None:
            raise UnknownHotAccount(self.address)
        sequence, max_time = account.sequence, tip.close_time + SETTLEMENT_ENVELOPE_SECONDS
        slot = Slot(self.address, sequence + 1, max_time)
        unsigned = build(settlement, slot, self.address, self._passphrase)
        signature = self._keypair.sign(unsigned.hash)
        return SignedEnvelope(
            xdr=unsigned.signed({self._keypair.raw_public_key(): signature}),
            hash=unsigned.hash.hex(),
            source=self.address,
            sequence=sequence + 1,
            max_time=max_time,
            fee=settlement.fee_max,
            ledger=tip.ledger,
        )
