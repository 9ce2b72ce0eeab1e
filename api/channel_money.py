"""Payment channels on the chain, behind the Stellar SDK: read, collected from, opened in play."""

from dataclasses import dataclass

import structlog
from stellar_sdk import Asset

from api.secret_names import COLLECTOR_SEED
from api.stores import Stores
from config.limits import FRIENDBOT_SECONDS_MAX, VOUCHER_WAITING_LEDGERS_MIN
from metering.ledger.ledger_postgres import PostgresLedger
from metering.localnet import CHANNEL_WASM_HASH
from metering.money import NATIVE, Stroops
from metering.settlement.friendbot import HttpFriendbot
from metering.settlement.rpc_node import RpcNode
from metering.settlement.stellar import new_seed
from metering.settlement.stellar_client import StellarClient
from metering.signer.collecting import CollectingSigner
from metering.vouchers.channel_terms import ChannelTerms
from metering.vouchers.collecting import CollectingRules
from metering.vouchers.collector import Changed, Collector, Envelopes
from metering.vouchers.stellar_contract import StellarContracts, token_of
from metering.vouchers.stellar_wallet import ChannelWallet, Opening
from metering.vouchers.store_postgres import PostgresVoucherStore

log = structlog.get_logger(__name__)

_HOUR_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class ChannelMoney:
    """What there is of payment channels beside the desk.

    `friendbot` is None on a network with real money.
    """

    terms: ChannelTerms
    node: RpcNode
    contracts: StellarContracts
    collector: Collector
    client: StellarClient
    friendbot: HttpFriendbot | None

    async def start(self) -> None:
        """Begin to watch.

        Raises:
            ChainUnreachable, WrongNetwork: play money cannot be had.
        """
        payer = self.contracts.payer
        if not await self.contracts.can_pay():
            if self.friendbot is not None:
                await self.friendbot.fund(payer)
            else:
                log.warning("send some lumens to what pays for collecting", address=payer)
        await self.collector.start()

    async def stop(self) -> None:
        await self.collector.stop()
        await self.client.close()

    async def open_in_play(self, key: bytes, amount: Stroops) -> str:
        """A payment channel that pays us, with play money of an account that nobody else has; its
        address.

        Raises:
            ChainUnreachable, WrongNetwork, CallRefused, NotApplied, NoFeeAccount: it could not be
                made.
        """
        assert self.friendbot is not None, "play money is for local networks"
        wallet = ChannelWallet(self.node, new_seed())
        await self.friendbot.fund(wallet.address)
        return await wallet.open(
            Opening(
                wasm=CHANNEL_WASM_HASH,
                token=self.terms.token,
                recipient=self.terms.recipient,
                key=key,
                amount=amount,
                waiting_ledgers=VOUCHER_WAITING_LEDGERS_MIN,
            )
        )


def open_channel_money(
    stores: Stores,
    ledger: PostgresLedger,
    envelopes: Envelopes,
    signer: CollectingSigner,
    changed: Changed,
) -> ChannelMoney | None:
    """None where no contract's code is trusted, or no RPC server can be asked about contracts."""
    network, settings = stores.network, stores.settings.vouchers
    wasms = frozenset(settings.contracts) | ({CHANNEL_WASM_HASH} if network.play_money else set())
    if not (wasms and network.rpc_url):
        return None
    client = StellarClient(FRIENDBOT_SECONDS_MAX)
    node = RpcNode(network.rpc_url, network.passphrase, client)
    token = token_of(Asset.native(), network.passphrase)
    seed, _ = stores.secrets.create_or_read(COLLECTOR_SEED, new_seed)
    contracts = StellarContracts(node, network.passphrase, token, seed, signer)
    rules = CollectingRules(
        Stroops(settings.collect_stroops), settings.collect_hours * _HOUR_SECONDS
    )
    collector = Collector(
        PostgresVoucherStore(stores.database, ledger),
        contracts,
        envelopes,
        contracts.payer,
        changed,
        rules,
        stores.clock,
    )
    return ChannelMoney(
        terms=ChannelTerms(wasms, token, NATIVE, signer.hot, network.passphrase),
        node=node,
        contracts=contracts,
        collector=collector,
        client=client,
        friendbot=HttpFriendbot(f"{network.rpc_url}/friendbot", client)
        if network.play_money
        else None,
    )
