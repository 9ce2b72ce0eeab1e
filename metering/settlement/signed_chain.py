"""The chain over RPC with a hot account whose key is somewhere else."""

from stellar_sdk.client.base_async_client import BaseAsyncClient

from config.limits import SETTLEMENT_ENVELOPE_SECONDS
from metering.settlement.chain import LUMENS, ChainUnreachable, SettledAsset, UnknownHotAccount
from metering.settlement.outbox import Settlement, SignedEnvelope
from metering.settlement.signer import Refused, Signer, SignerAway, SigningOrder
from metering.settlement.stellar_rpc import StellarRpc


class SignedChain(StellarRpc):
    """Adds the hot account of a signer to `StellarRpc`.

    Args:
        url: of a Stellar RPC server.
        passphrase: of the network that is meant; a node of another one is refused.
        signer: has the hot account's key.
        client: how to reach the node; closed by `close`.
        asset: what is paid out.
    """

    def __init__(
        self,
        url: str,
        passphrase: str,
        signer: Signer,
        client: BaseAsyncClient,
        asset: SettledAsset = LUMENS,
    ) -> None:
        super().__init__(url, passphrase, asset, client)
        self._signer = signer

    @property
    def address(self) -> str:
        return self._signer.hot

    async def sign(self, settlement: Settlement) -> SignedEnvelope:
        account = await self.account(self.address)
        tip = await self.tip()
        if account is None:
            raise UnknownHotAccount(self.address)
        max_time = tip.close_time + SETTLEMENT_ENVELOPE_SECONDS
        order = SigningOrder(
            settlement.id, self.address, account.sequence + 1, max_time, tip.ledger
        )
        try:
            return await self._signer.sign(order)
        except (Refused, SignerAway) as error:
            raise ChainUnreachable(str(error)) from error
