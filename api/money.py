"""The money side of the wiring: the ledger at once, the chain as soon as its SDK is imported."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import structlog

from api.auth.account import Account
from api.channel_chain import ChannelChain
from api.funding import Funding
from api.health import Dependency, NotWorking
from api.receipt_key import open_receipt_key
from api.stores import Stores
from config.limits import LOCAL_NETWORK_RESTART_SECONDS, WITHDRAWAL_LOOK_SECONDS_MAX
from config.tasks import cancel, spawn
from metering.ledger.ledger_postgres import PostgresLedger
from metering.passes.store_postgres import PostgresPassStore
from metering.receipts.maker import Receipts
from metering.receipts.store_postgres import PostgresReceiptStore
from metering.reconciliation.reconciliation_postgres import PostgresReconciliation
from metering.revenue.pools import Pools
from metering.settlement.chain import ChainAccount, ChainUnreachable, OnChain, WrongNetwork
from metering.settlement.earnings import EarningsQuery
from metering.settlement.outbox import Outbox
from metering.settlement.outbox_postgres import PostgresOutbox
from metering.shares.splitter import Splitter
from metering.shares.store_postgres import PostgresSplitStore
from metering.store_postgres import PostgresMeterStore
from metering.subscriptions.renewals import Renewals
from metering.subscriptions.store_postgres import PostgresSubscriptionStore
from metering.vouchers.store_postgres import PostgresVoucherStore

if TYPE_CHECKING:
    from api.channel_money import ChannelMoney
    from api.top_up_money import TopUpMoney
    from api.wallet import Wallet
    from metering.funding.deposit import Addresses
    from metering.funding.taker import DepositTaker
    from metering.reconciliation.restore import Restorer
    from metering.signer.collecting import CollectingSigner
    from metering.vouchers.collector import Changed, Envelopes
    from metering.x402.till import Envelopes as TopUpEnvelopes

log = structlog.get_logger(__name__)


class Money:
    """Receipts, earnings and payouts. Streaming needs nothing of the chain, so it does not wait for
    it.
    """

    def __init__(self, stores: Stores, changed: Callable[[str, str], None], server_id: str) -> None:
        """`changed` is told of an account and an asset of which a balance is another one now."""
        self._stores = stores
        self._server_id = server_id
        self._ledger = PostgresLedger(stores.database)
        self.outbox = PostgresOutbox(stores.database, self._ledger)
        self.funding = Funding(stores, self._ledger, changed)
        self.reconciliation = PostgresReconciliation(
            stores.database, self._ledger, self.funding.network
        )
        self._changed = changed
        self._wallet: Wallet | None = None
        self._channels: ChannelMoney | None = None
        self._top_ups: TopUpMoney | None = None
        self.channels = ChannelChain(self._opened_channels)
        self.vouchers = PostgresVoucherStore(stores.database, self._ledger)
        self._there = asyncio.Event()
        self._filled = asyncio.Event()
        self._opening: asyncio.Task[None] | None = None
        self.sessions = PostgresMeterStore(stores.database)
        self.splits = PostgresSplitStore(stores.database, self._ledger)
        self.passes = PostgresPassStore(stores.database, self._ledger, self.splits)
        self._splitter = Splitter(self.splits)
        self.subscriptions = PostgresSubscriptionStore(stores.database, self._ledger)
        pools = Pools(stores.database, self._ledger, stores.settings.subscriptions.creators_bps)
        self._renewals = Renewals(self.subscriptions, pools, stores.clock, changed)
        self.receipt_key = open_receipt_key(stores.secrets)
        self.receipts = Receipts(
            PostgresReceiptStore(stores.database),
            self.sessions,
            self.receipt_key.name,
            self.receipt_key.sign,
        )
        self.earnings = EarningsQuery(self._ledger, self.outbox, self, self.splits)

    async def start(self) -> None:
        """Start what the books alone are enough for."""
        await self.receipts.start()
        await self._splitter.start()
        await self._renewals.start()

    def open(self, creator: Account) -> None:
        """Open the wallet beside the running server; what needs it waits until then."""
        if creator.stellar_address is not None:
            self._filled.set()  # by an earlier start
        self._opening = spawn(self._open(creator), name="wallet")

    async def stop(self) -> None:
        await cancel(self._opening)
        for part in (self._top_ups, self._channels):
            if part is not None:
                await part.stop()
        if self._wallet is not None:
            await self._wallet.stop()
        await self._renewals.stop()
        await self._splitter.stop()
        await self.receipts.stop()

    async def filled(self) -> None:
        """Return when a local network's treasury has been given play money."""
        await self._filled.wait()

    async def holdings(self, address: str) -> OnChain | None:
        """What an address holds; the first questions wait until the wallet is open."""
        return await (await self._opened()).chain.holdings(address)

    async def account(self, address: str) -> ChainAccount | None:
        """Who signs for an address; waits as `holdings` does."""
        return await (await self._opened()).chain.account(address)

    async def addresses(self) -> Sequence[str]:
        """The accounts of this server on the chain; waits as `holdings` does."""
        return (await self._opened()).addresses.all

    async def deposit_address(self) -> str:
        """Where viewers pay in; waits as `holdings` does."""
        return (await self._opened()).addresses.deposit

    async def obstacle(self, asset: str, address: str) -> str | None:
        """The code with which a payment to an account would fail now; None when it would not, or
        when nobody knows in time.
        """
        try:
            async with asyncio.timeout(WITHDRAWAL_LOOK_SECONDS_MAX):
                return await (await self._opened()).obstacle(asset, address)
        except (TimeoutError, ChainUnreachable, WrongNetwork):
            return None

    async def check(self) -> str:
        """A word on the network.

        Raises:
            NotWorking: it does not answer, has no hot account, or has forgotten payments.
        """
        wallet = await self._opened()
        try:
            holdings = await wallet.chain.holdings(wallet.addresses.hot)
        except (ChainUnreachable, WrongNetwork) as error:
            raise NotWorking(str(error)) from None
        if not wallet.pays:
            raise NotWorking(f"another server pays, from {wallet.addresses.hot}")
        if holdings is None:
            raise NotWorking(f"the hot account {wallet.addresses.hot} does not exist")
        if wallet.taker.halted is not None:
            raise NotWorking(f"no deposits are taken: {wallet.taker.halted}")
        return "play money" if self._stores.network.play_money else "real money"

    async def restorer(self) -> "Restorer":
        """Who accepts differences between chain and books; waits as `holdings` does."""
        return (await self._opened()).restorer

    async def compared(self) -> str:
        """A word on whether chain and books agree.

        Raises:
            NotWorking: they do not, or nobody knows; payouts wait.
        """
        reconciler = (await self._opened()).reconciler
        reason = reconciler.hold()
        if reason is not None:
            raise NotWorking(reason)
        return f"agree up to ledger {reconciler.state.ledger}"

    async def _open(self, creator: Account) -> None:
        if self._stores.network.local is not None:
            await self._stores.network.local.start()
        make_wallet = await asyncio.to_thread(_import_make_wallet)
        open_channels = await asyncio.to_thread(_import_open_channels)
        open_top_ups = await asyncio.to_thread(_import_open_top_ups)
        parts = (self._ledger, self.outbox, self._splitter, self.funding)
        wallet = self._wallet = await make_wallet(self._stores, *parts, self._server_id)
        if wallet.pays:
            signer = await self._stores.signer.meet()
            self._channels = open_channels(
                self._stores, self._ledger, wallet.chain, signer, self._changed
            )
        self._top_ups = open_top_ups(self._stores, wallet.addresses, wallet.taker, wallet.chain)
        # Before anybody is told where to pay: without play money there is no account.
        await wallet.give_play_money(creator)
        self._filled.set()
        self._there.set()
        await wallet.start()
        for part in (self._channels, self._top_ups):
            if part is not None:
                await _started(part)

    async def top_ups(self) -> "TopUpMoney | None":
        """What takes payments over HTTP; waits as `holdings` does."""
        await self._there.wait()
        return self._top_ups

    async def _opened(self) -> "Wallet":
        await self._there.wait()
        assert self._wallet is not None, "it is there"
        return self._wallet

    async def _opened_channels(self) -> "ChannelMoney | None":
        await self._there.wait()
        return self._channels


class _Part(Protocol):
    async def start(self) -> None: ...


async def _started(part: _Part) -> None:
    """Start what has to ask the chain before it can begin, as soon as that answers."""
    while True:
        try:
            await part.start()
        except (ChainUnreachable, WrongNetwork) as reason:
            log.warning("not all of money can begin yet", reason=str(reason))
        else:
            return
        await asyncio.sleep(LOCAL_NETWORK_RESTART_SECONDS)


def _import_make_wallet() -> (
    "Callable[[Stores, PostgresLedger, Outbox, Splitter, Funding, str], Awaitable[Wallet]]"
):
    from api.wallet import make_wallet

    return make_wallet


def _import_open_channels() -> (
    "Callable[[Stores, PostgresLedger, Envelopes, CollectingSigner, Changed], ChannelMoney | None]"
):
    from api.channel_money import open_channel_money

    return open_channel_money


def _import_open_top_ups() -> (
    "Callable[[Stores, Addresses, DepositTaker, TopUpEnvelopes], TopUpMoney | None]"
):
    from api.top_up_money import open_top_up_money

    return open_top_up_money


def chain_dependency(money: Money) -> Dependency:
    """Not required for streaming: when the chain is away, payouts wait and nothing is lost."""
    return Dependency("stellar", money.check, required=False)


def books_dependency(money: Money) -> Dependency:
    """Not required for streaming: while chain and books differ, payouts wait."""
    return Dependency("reconciliation", money.compared, required=False)
