"""The wiring of deposits and withdrawals: their stores at once, the taker with the wallet."""

from collections.abc import Sequence

from api.ground import StartFailed
from api.stores import Stores
from config.settings import Settings
from metering.funding.deposit import Addresses, Rules, network_name
from metering.funding.deposits_postgres import PostgresDeposits
from metering.funding.suspense_postgres import PostgresSuspense
from metering.funding.taker import Credited, DepositTaker
from metering.funding.withdrawals_postgres import PostgresWithdrawals
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import BadAsset, Stroops, checked_asset
from metering.settlement.feed import ChainPayment, Feed
from metering.settlement.strkey import BadAddress, account_key
from metering.vouchers.store import VoucherStore
from metering.vouchers.store_postgres import PostgresVoucherStore


class Funding:
    """What viewers paid in and take out, on one network.

    Args:
        stores: of the server.
        ledger: its books.
        credited: told of an account and an asset when a deposit came in.

    Raises:
        StartFailed: an asset or an address in the settings is mistyped.
    """

    def __init__(self, stores: Stores, ledger: PostgresLedger, credited: Credited) -> None:
        _require_names(stores.settings)
        database = stores.database
        self._settings = stores.settings
        self._credited = credited
        self._contracts = PaymentContracts(PostgresVoucherStore(database, ledger))
        self.network = network_name(stores.network.passphrase)
        self.deposits = PostgresDeposits(database, ledger, self.network)
        self.withdrawals = PostgresWithdrawals(database, ledger)
        self.suspense = PostgresSuspense(database, ledger, self.withdrawals, self.network)

    def taker(self, addresses: Addresses, feeds: Sequence[Feed]) -> DepositTaker:
        """Who books what comes in at our addresses; not started."""
        settings = self._settings
        minimum = Stroops(settings.payments.deposit_minimum_stroops)
        rules = Rules(self.network, addresses, frozenset(settings.stellar.assets), minimum)
        return DepositTaker(feeds, self.deposits, rules, self._credited, [self._contracts])


def _require_names(settings: Settings) -> None:
    """Their checksums: what is paid to a mistyped address is lost."""
    try:
        for asset in settings.stellar.assets:
            checked_asset(asset)
        if settings.stellar.deposit_address:
            account_key(settings.stellar.deposit_address)
    except (BadAddress, BadAsset) as error:
        raise StartFailed(f"stellar: {error}") from None


class PaymentContracts:
    """Implements `taker.Elsewhere`: what a payment channel pays is booked by its vouchers."""

    def __init__(self, store: VoucherStore) -> None:
        self._store = store

    async def books(self, payment: ChainPayment) -> bool:
        is_contract = payment.source.startswith("C")
        return is_contract and await self._store.channel(payment.source) is not None
