"""Everything that needs the Stellar SDK: the hot account, payouts and, locally, play money."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.auth.account import Account, AccountStore
from api.funding import Funding
from api.secret_names import CREATOR_SEED
from api.stores import Stores
from config.limits import FRIENDBOT_SECONDS_MAX
from metering.funding.deposit import Addresses
from metering.funding.taker import DepositTaker
from metering.funding.withdrawal_source import WithdrawalSource
from metering.ledger.journal_postgres import PostgresJournal
from metering.ledger.ledger import Ledger
from metering.localnet.network import root_keypair
from metering.money import NATIVE, Stroops, checked_asset
from metering.settlement.chain import SettledAsset
from metering.settlement.creators import Creators
from metering.settlement.friendbot import HttpFriendbot
from metering.settlement.outbox import Outbox
from metering.settlement.planner import Terms
from metering.settlement.signed_chain import SignedChain
from metering.settlement.stellar import address_of, new_seed
from metering.settlement.stellar_client import StellarClient
from metering.settlement.stellar_rpc import StellarRpc
from metering.settlement.treasury import PlayMoney
from metering.settlement.worker import SettlementWorker
from metering.shares.splitter import Splitter


@dataclass(frozen=True, slots=True)
class Payees:
    """Where creators want their money: the address in their account."""

    accounts: AccountStore

    async def address(self, creator: str) -> str | None:
        account = await self.accounts.get(creator)
        return None if account is None else account.stellar_address


@dataclass(frozen=True, slots=True)
class Wallet:
    """The hot account on its chain, the worker that pays creators from it, and who books what comes
    in there.
    """

    stores: Stores
    chain: SignedChain
    nodes: Mapping[str, StellarRpc]
    """One for each asset that is taken."""
    addresses: Addresses
    taker: DepositTaker
    settlement: SettlementWorker
    treasury: PlayMoney
    friendbot: HttpFriendbot
    friendbot_client: StellarClient

    async def start(self, creator: Account) -> None:
        """Begin to pay; on a local network the first start hands out play money before that.

        Raises:
            LocalNetworkFailed, ChainUnreachable, WrongNetwork: the network is not there.
        """
        if self.stores.network.play_money and creator.stellar_address is None:
            await self._give_play_money(creator)
        await self.taker.start()
        await self.settlement.start()

    async def stop(self) -> None:
        await self.settlement.stop()
        await self.taker.stop()
        for node in self.nodes.values():
            await node.close()
        await self.chain.close()
        await self.friendbot_client.close()

    async def obstacle(self, asset: str, address: str) -> str | None:
        """The code with which a payment to an account would fail now."""
        return (await self.nodes[asset].obstacles([address])).get(address)

    async def _give_play_money(self, creator: Account) -> None:
        """Fill the treasury, and make the creator an account to be paid to."""
        assert self.stores.network.local is not None, "play money is for local networks"
        await self.stores.network.local.ready()
        await self.treasury.replenish()
        seed, _ = self.stores.secrets.create_or_read(CREATOR_SEED, new_seed)
        address = address_of(seed)
        if await self.chain.holdings(address) is None:
            await self.friendbot.fund(address)
        await self.stores.accounts.set_stellar_address(creator.id, address)


async def make_wallet(
    stores: Stores, ledger: Ledger, outbox: Outbox, splitter: Splitter, funding: Funding
) -> Wallet:
    """Waits until the signer says whose keys it has."""
    settings, network = stores.settings, stores.network
    signer = await stores.signer.meet()
    chain = SignedChain(network.rpc_url, network.passphrase, signer, StellarClient())
    client = StellarClient(FRIENDBOT_SECONDS_MAX)
    friendbot = HttpFriendbot(f"{network.rpc_url}/friendbot", client)
    nodes = {asset: _node(stores, asset) for asset in settings.stellar.assets}
    addresses = _addresses(stores, chain.address, signer.channels)
    feeds = [next(iter(nodes.values())).feed(each) for each in addresses.watched]
    taker = funding.taker(addresses, feeds)
    treasury = PlayMoney(chain, friendbot, ledger, taker)
    minimum = Stroops(settings.settlement.minimum_stroops)
    settlement = SettlementWorker(
        outbox,
        chain,
        signer,
        ledger,
        [
            Creators(ledger, outbox, Payees(stores.accounts), minimum),
            WithdrawalSource(funding.withdrawals, outbox),
        ],
        stores.clock,
        interval_ms=settings.settlement.interval_seconds * 1000,
        terms=Terms(
            daily_cap=Stroops(settings.settlement.daily_cap_stroops),
            daily_fees=settings.settlement.daily_fees_stroops,
        ),
        channels=settings.settlement.channel_accounts,
        asset=NATIVE,
        treasury=treasury if network.play_money else None,
        splits=splitter,
        seals=PostgresJournal(stores.database),
    )
    return Wallet(stores, chain, nodes, addresses, taker, settlement, treasury, friendbot, client)


def _node(stores: Stores, asset: str) -> StellarRpc:
    code, _, issuer = checked_asset(asset).partition(":")
    settled = SettledAsset(code, issuer or None)
    return StellarRpc(stores.network.rpc_url, stores.network.passphrase, settled, StellarClient())


def _addresses(stores: Stores, hot: str, channels: Sequence[str]) -> Addresses:
    """Where money comes in; on our own network play money, too."""
    deposit, network = stores.settings.stellar.deposit_address, stores.network
    friendbot = root_keypair(network.passphrase).public_key if network.play_money else None
    return Addresses(hot, deposit or hot, frozenset(channels), friendbot)
