"""Payments that are presented over HTTP, behind the Stellar SDK: checked, carried, and credited."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from api.secret_names import FEE_SEED
from api.stores import Stores
from config.limits import FRIENDBOT_SECONDS_MAX
from config.postgres import UNAVAILABLE
from metering.funding.deposit import Addresses
from metering.funding.taker import DepositTaker
from metering.settlement.chain import ChainUnreachable, WrongNetwork
from metering.settlement.feed import HistoryGap
from metering.settlement.friendbot import HttpFriendbot
from metering.settlement.rpc_node import RpcNode
from metering.settlement.stellar import new_seed
from metering.settlement.stellar_client import StellarClient
from metering.settlement.stellar_entries import asset_named
from metering.x402.presented import presented_transaction
from metering.x402.sponsor import StellarSponsor
from metering.x402.store_postgres import PostgresTopUps
from metering.x402.terms import Terms, network_name
from metering.x402.till import Envelopes, Till
from metering.x402.top_up import TopUp
from metering.x402.transfer import read_transfer

log = structlog.get_logger(__name__)

_LATER: tuple[type[Exception], ...] = (HistoryGap, ChainUnreachable, WrongNetwork, *UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class TopUpMoney:
    """What takes presented payments.

    `tokens` are the contracts of assets; `friendbot` is None on a network with real money.
    """

    till: Till
    sponsor: StellarSponsor
    taker: DepositTaker
    ours: frozenset[str]
    network: str
    tokens: Mapping[str, str]
    client: StellarClient
    friendbot: HttpFriendbot | None

    async def start(self) -> None:
        """See that there is somebody to pay fees.

        Raises:
            ChainUnreachable, WrongNetwork: play money cannot be had.
        """
        if await self.sponsor.can_pay():
            return
        if self.friendbot is not None:
            await self.friendbot.fund(self.sponsor.address)
        else:
            log.warning("send some lumens to what pays for top-ups", address=self.sponsor.address)

    async def stop(self) -> None:
        await self.client.close()

    async def take(self, account: str, asset: str, presented: str, terms: Terms) -> TopUp:
        """Bring what was presented onto the chain.

        Raises:
            As `Till.take`; PaymentRefused also for what is not a payment by these terms.
        """
        transaction = presented_transaction(presented, terms)
        transfer = read_transfer(transaction, terms, self.ours, await self.sponsor.ledger())
        return await self.till.take(account, asset, transfer, terms)

    async def credit(self) -> None:
        """Book what has come in, which would be done within a second anyway."""
        try:
            await self.taker.take()
        except _LATER as error:
            log.info("a top-up waits to be credited", reason=str(error))


def open_top_up_money(
    stores: Stores, addresses: Addresses, taker: DepositTaker, envelopes: Envelopes
) -> TopUpMoney | None:
    """None where no RPC server can be asked about contracts."""
    network = stores.network
    if not network.rpc_url:
        return None
    client = StellarClient(FRIENDBOT_SECONDS_MAX)
    seed, _ = stores.secrets.create_or_read(FEE_SEED, new_seed)
    sponsor = StellarSponsor(RpcNode(network.rpc_url, network.passphrase, client), seed)
    return TopUpMoney(
        till=Till(PostgresTopUps(stores.database), sponsor, envelopes, stores.clock),
        sponsor=sponsor,
        taker=taker,
        ours=frozenset((*addresses.all, sponsor.address)),
        network=network_name(network.passphrase),
        tokens={
            asset: asset_named(asset).contract_id(network.passphrase)
            for asset in stores.settings.stellar.assets
        },
        client=client,
        friendbot=HttpFriendbot(f"{network.rpc_url}/friendbot", client)
        if network.play_money
        else None,
    )
