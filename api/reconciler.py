"""The wiring of who compares chain and books."""

from api.receipt_key import open_receipt_key
from api.stores import Stores
from metering.funding.deposit import Addresses, network_name
from metering.ledger.ledger_postgres import PostgresLedger
from metering.reconciliation.addresses import Ours
from metering.reconciliation.books_postgres import PostgresBooks
from metering.reconciliation.days import MadeBy
from metering.reconciliation.reconciler import Chain, Reconciler
from metering.reconciliation.reconciliation_postgres import PostgresReconciliation
from metering.reconciliation.report import Signing
from metering.reconciliation.restore import Restorer
from metering.settlement.outbox import Outbox


def our_addresses(stores: Stores, addresses: Addresses) -> Ours:
    """What is compared."""
    return Ours(
        hot=addresses.hot,
        deposit=addresses.deposit,
        senders=sorted(addresses.others),
        assets=stores.settings.stellar.assets,
    )


def open_reconciler(stores: Stores, ledger: PostgresLedger, chain: Chain, ours: Ours) -> Reconciler:
    """Not started.

    Args:
        stores: of the server.
        ledger: its books.
        chain: where its money is.
        ours: its addresses there.
    """
    passphrase = stores.network.passphrase
    network = network_name(passphrase)
    key = open_receipt_key(stores.secrets)
    return Reconciler(
        chain=chain,
        ours=ours,
        store=PostgresReconciliation(stores.database, ledger, network),
        books=PostgresBooks(stores.database, network),
        clock=stores.clock,
        made_by=MadeBy(passphrase, Signing(key.name, key.sign)),
    )


def open_restorer(stores: Stores, ledger: PostgresLedger, outbox: Outbox, ours: Ours) -> Restorer:
    """Who accepts what the reconciler found."""
    network = network_name(stores.network.passphrase)
    store = PostgresReconciliation(stores.database, ledger, network)
    return Restorer(store, PostgresBooks(stores.database, network), ledger, outbox, ours)
