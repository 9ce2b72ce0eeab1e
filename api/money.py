"""The money side of the wiring: chain, ledger, outbox and, on a local network, play money."""

from dataclasses import dataclass

from api.auth.account import Account, AccountStore
from api.ground import Network
from api.health import Dependency, NotWorking
from api.secret_names import CREATOR_SEED, HOT_SEED
from config.clock import Clock
from config.limits import FRIENDBOT_SECONDS_MAX
from config.postgres import Database
from config.secret_files import SecretFiles
from config.settings import Settings
from metering.ledger_postgres import PostgresLedger
from metering.money import NATIVE, Stroops
from metering.settlement.chain import ChainUnreachable, WrongNetwork
from metering.settlement.earnings import EarningsQuery
from metering.settlement.friendbot import HttpFriendbot
from metering.settlement.outbox_postgres import PostgresOutbox
from metering.settlement.stellar import StellarChain, address_of, new_seed
from metering.settlement.stellar_client import StellarClient
from metering.settlement.treasury import PlayMoney
from metering.settlement.worker import SettlementWorker


@dataclass(frozen=True, slots=True)
class Payees:
    """Where creators want their money: the address in their account."""

    accounts: AccountStore

    async def address(self, creator: str) -> str | None:
        account = await self.accounts.get(creator)
        return None if account is None else account.stellar_address


@dataclass(frozen=True, slots=True)
class Money:
    """Everything that knows the chain."""

    network: Network
    chain: StellarChain
    settlement: SettlementWorker
    earnings: EarningsQuery
    treasury: PlayMoney | None
    friendbot: HttpFriendbot | None
    friendbot_client: StellarClient | None

    async def close(self) -> None:
        await self.chain.close()
        if self.friendbot_client is not None:
            await self.friendbot_client.close()

    async def give_play_money(
        self, accounts: AccountStore, creator: Account, secrets: SecretFiles
    ) -> None:
        """On a local network: fill the treasury, and make the creator a wallet to be paid to.

        Nothing to do, and nothing to wait for, after the first start: the settlement worker looks
        after the treasury from then on.

        Raises:
            LocalNetworkFailed, ChainUnreachable, WrongNetwork: the network is not there.
        """
        local, friendbot = self.network.local, self.friendbot
        if local is None or friendbot is None or creator.stellar_address is not None:
            return
        await local.ready()
        assert self.treasury is not None, "a local network has both"
        await self.treasury.replenish()
        seed, _ = secrets.create_or_read(CREATOR_SEED, new_seed)
        address = address_of(seed)
        if await self.chain.holdings(address) is None:
            await friendbot.fund(address)
        await accounts.set_stellar_address(creator.id, address)


def wire_money(
    settings: Settings,
    network: Network,
    database: Database,
    accounts: AccountStore,
    secrets: SecretFiles,
    clock: Clock,
) -> Money:
    seed, _ = secrets.create_or_read(HOT_SEED, new_seed)
    chain = StellarChain(network.rpc_url, network.passphrase, seed, StellarClient())
    ledger = PostgresLedger(database)
    outbox = PostgresOutbox(database, ledger)
    client = friendbot = treasury = None
    if network.play_money:
        client = StellarClient(FRIENDBOT_SECONDS_MAX)
        friendbot = HttpFriendbot(f"{network.rpc_url}/friendbot", client)
        treasury = PlayMoney(chain, friendbot, ledger, outbox)
    settlement = SettlementWorker(
        outbox,
        chain,
        ledger,
        Payees(accounts),
        clock,
        interval_ms=settings.settlement.interval_seconds * 1000,
        minimum=Stroops(settings.settlement.minimum_stroops),
        asset=NATIVE,
        treasury=treasury,
    )
    earnings = EarningsQuery(ledger, outbox, chain)
    return Money(network, chain, settlement, earnings, treasury, friendbot, client)


def chain_dependency(money: Money) -> Dependency:
    """Not required for streaming: when the chain is away, payouts wait and nothing is lost."""

    async def probe() -> str:
        try:
            holdings = await money.chain.holdings(money.chain.address)
        except (ChainUnreachable, WrongNetwork) as error:
            raise NotWorking(str(error)) from None
        if holdings is None:
            raise NotWorking(f"the hot account {money.chain.address} does not exist")
        return "play money" if money.network.play_money else "real money"

    return Dependency("stellar", probe, required=False)
