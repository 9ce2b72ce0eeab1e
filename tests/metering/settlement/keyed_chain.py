"""The chain over RPC with a hot account's key in it, for tests that need envelopes of it."""

from stellar_sdk import Keypair
from stellar_sdk.client.base_async_client import BaseAsyncClient

from config.limits import SETTLEMENT_ENVELOPE_SECONDS
from metering.settlement.chain import LUMENS, SettledAsset, UnknownHotAccount
from metering.settlement.outbox import Settlement, SignedEnvelope
from metering.settlement.stellar_rpc import StellarRpc
from metering.settlement.transaction import Slot, build


class KeyedChain(StellarRpc):
    """Adds a hot account to `StellarRpc`: builds and signs what pays from it.

    Args:
        url: of a Stellar RPC server.
        passphrase: of the network that is meant; a node of another one is refused.
        seed: the hot account's secret seed.
        client: how to reach the node; closed by `close`.
        asset: what is paid out.
    """

    def __init__(
        self,
        url: str,
        passphrase: str,
        seed: str,
        client: BaseAsyncClient,
        asset: SettledAsset = LUMENS,
    ) -> None:
        self._keypair = Keypair.from_secret(seed)
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
