"""Everything that needs the Stellar SDK: the hot account, payouts and, locally, play money."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from api.auth.account import Account, AccountStore
from api.funding import Funding
from api.local_network import LocalNetworkFailed
from api.reconciler import open_reconciler, open_restorer, our_addresses
from api.secret_names import CREATOR_SEED
from api.stores import Stores
from config.limits import (
    FRIENDBOT_SECONDS_MAX,
    LOCAL_NETWORK_RESTART_SECONDS,
    SETTLEMENT_LOOK_MS,
)
from metering.funding.deposit import Addresses
from metering.funding.taker import DepositTaker
from metering.funding.withdrawal_source import WithdrawalSource
from metering.ledger.journal_postgres import PostgresJournal
from metering.ledger.ledger_postgres import PostgresLedger
from metering.localnet.network import root_keypair
from metering.money import NATIVE, Stroops, checked_asset
from metering.reconciliation.reconciler import Reconciler
from metering.reconciliation.restore import Restorer
from metering.settlement.chain import ChainUnreachable, OnChain, SettledAsset, WrongNetwork
from metering.settlement.creators import Creators
from metering.settlement.friendbot import HttpFriendbot
from metering.settlement.guard import NetworkGuard
from metering.settlement.guard_postgres import PostgresNetworkBook
from metering.settlement.horizon import Horizon
from metering.settlement.open_chain import Endpoint, open_chain
from metering.settlement.outbox import Outbox
from metering.settlement.paced import Paced
from metering.settlement.paying_key import paying_account
from metering.settlement.planner import Terms
from metering.settlement.stellar import address_of, new_seed
from metering.settlement.stellar_client import StellarClient
from metering.settlement.stellar_rpc import StellarRpc
from metering.settlement.treasury import PlayMoney
from metering.settlement.worker import SettlementWorker
from metering.shares.splitter import Splitter

log = structlog.get_logger(__name__)

type Chain = StellarRpc | Horizon


@dataclass(frozen=True, slots=True)
class Payees:
    """Where creators want their money: the address in their account."""

    accounts: AccountStore

    async def address(self, creator: str) -> str | None:
        account = await self.accounts.get(creator)
        return None if account is None else account.stellar_address


@dataclass(frozen=True, slots=True)
class _Hot:
    """Implements `treasury.HotAccount`."""

    chain: Chain
    address: str

    async def holdings(self, address: str) -> OnChain | None:
        return await self.chain.holdings(address)


@dataclass(frozen=True, slots=True)
class Wallet:
    """The hot account on its chain, a worker for each asset that is paid from it, who books what
    comes in there, and who compares the two.
    """

    stores: Stores
    nodes: Mapping[str, Chain]
    """One for each asset that is taken, and for lumens."""
    addresses: Addresses
    taker: DepositTaker
    reconciler: Reconciler
    restorer: Restorer
    settlements: Sequence[SettlementWorker]
    treasury: PlayMoney
    friendbot: HttpFriendbot
    friendbot_client: StellarClient
    pays: bool
    """Whether our signer has the key of the hot account; another server's has, else."""

    async def start(self) -> None:
        """Begin to book what comes in, and to pay."""
        await self.taker.start()
        if not self.pays:
            log.error(
                "another server pays: give this one its key (the folder `signer`), or its signer",
                pays_from=self.addresses.hot,
            )
            return
        await self.reconciler.start()
        for settlement in self.settlements:
            await settlement.start()

    async def stop(self) -> None:
        for settlement in self.settlements:
            await settlement.stop()
        await self.reconciler.stop()
        await self.taker.stop()
        for node in self.nodes.values():
            await node.close()
        await self.friendbot_client.close()

    @property
    def chain(self) -> Chain:
        """Where lumens are."""
        return self.nodes[NATIVE]

    async def obstacle(self, asset: str, address: str) -> str | None:
        """The code with which a payment to an account would fail now."""
        return (await self.nodes[asset].obstacles([address])).get(address)

    async def give_play_money(self, creator: Account) -> None:
        """On a local network's first start, fill the treasury, and make the creator an account to
        be paid to. Asked again until it comes: nothing waits for it but money.
        """
        while self.stores.network.local is not None and creator.stellar_address is None:
            try:
                await self.stores.network.local.ready()
                await self._give(creator)
                return
            except (ChainUnreachable, LocalNetworkFailed, WrongNetwork) as reason:
                log.warning("no play money yet, asking again", reason=str(reason))
            await asyncio.sleep(LOCAL_NETWORK_RESTART_SECONDS)

    async def _give(self, creator: Account) -> None:
        seed, _ = self.stores.secrets.create_or_read(CREATOR_SEED, new_seed)
        address = address_of(seed)
        await self.treasury.replenish()
        if await self.chain.holdings(address) is None:
            await self.friendbot.fund(address)
        known = await self.stores.accounts.get(creator.id)
        if known is not None and known.stellar_address is None:
            # The last step: who has an address is given nothing at the next start.
            await self.stores.accounts.set_stellar_address(creator.id, address)


async def make_wallet(
    stores: Stores,
    ledger: PostgresLedger,
    outbox: Outbox,
    splitter: Splitter,
    funding: Funding,
    server_id: str,
) -> Wallet:
    """Waits until the signer says whose keys it has."""
    settings, network = stores.settings, stores.network
    signer = await stores.signer.meet()
    guard = NetworkGuard(PostgresNetworkBook(stores.database))
    client = StellarClient(FRIENDBOT_SECONDS_MAX)
    friendbot = HttpFriendbot(f"{network.rpc_url}/friendbot", client)
    assets = dict.fromkeys((NATIVE, *settings.stellar.assets))
    nodes = {asset: _chain(stores, asset, guard) for asset in assets}
    chain = nodes[NATIVE]
    hot = await paying_account(stores.database, funding.network, signer.hot, server_id)
    pays = hot == signer.hot
    addresses = _addresses(stores, hot, signer.channels if pays else ())
    taker = funding.taker(addresses, [chain.feed(each) for each in addresses.watched])
    treasury = PlayMoney(_Hot(chain, signer.hot), friendbot, ledger, taker)
    ours = our_addresses(stores, addresses)
    reconciler = open_reconciler(stores, ledger, chain, ours)
    minimum = Stroops(settings.settlement.minimum_stroops)
    interval_ms = settings.settlement.interval_ms(play_money=network.play_money)
    settlements = [
        SettlementWorker(
            outbox,
            node,
            signer,
            ledger,
            [
                Paced(
                    Creators(ledger, outbox, Payees(stores.accounts), minimum),
                    stores.clock,
                    interval_ms,
                ),
                WithdrawalSource(funding.withdrawals, outbox),
            ],
            stores.clock,
            interval_ms=min(interval_ms, SETTLEMENT_LOOK_MS),
            terms=Terms(
                daily_cap=Stroops(settings.settlement.daily_cap_stroops),
                daily_fees=settings.settlement.daily_fees_stroops,
            ),
            channels=settings.settlement.channel_accounts,
            asset=asset,
            elsewhere=nodes.keys() - {asset},
            treasury=treasury if network.play_money and asset == NATIVE else None,
            splits=splitter,
            seals=PostgresJournal(stores.database),
            gate=reconciler,
        )
        for asset, node in nodes.items()
    ]
    return Wallet(
        stores=stores,
        nodes=nodes,
        addresses=addresses,
        taker=taker,
        reconciler=reconciler,
        restorer=open_restorer(stores, ledger, outbox, ours),
        settlements=settlements,
        treasury=treasury,
        friendbot=friendbot,
        friendbot_client=client,
        pays=pays,
    )


def _chain(stores: Stores, asset: str, guard: NetworkGuard) -> Chain:
    network = stores.network
    code, _, issuer = checked_asset(asset).partition(":")
    endpoint = Endpoint(network.rpc_url, network.horizon_url, network.passphrase)
    return open_chain(endpoint, SettledAsset(code, issuer or None), StellarClient(), guard)


def _addresses(stores: Stores, hot: str, channels: Sequence[str]) -> Addresses:
    """Where money comes in; on our own network play money, too."""
    deposit, network = stores.settings.stellar.deposit_address, stores.network
    friendbot = root_keypair(network.passphrase).public_key if network.play_money else None
    return Addresses(hot, deposit or hot, frozenset(channels), friendbot)
