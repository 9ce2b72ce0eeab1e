"""For those who run the server: whether it is well, and what waits for their decision."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from api.area import RouteTable, tables
from api.auth.account import hash_token, new_token
from api.books import journal_dependency
from api.channel_losses import ChannelLossRoutes
from api.composition.parts import Parts
from api.dependencies import (
    database_dependency,
    disk_dependency,
    ingest_dependency,
    jail_dependency,
    signer_dependency,
)
from api.health import Dependency, Health
from api.money import books_dependency, chain_dependency
from api.operator import Operator
from api.reconciliation import ReconciliationRoutes
from api.secret_names import CREATOR_TOKEN
from api.suspense import SuspenseRoutes
from api.system import System
from api.version import version
from metering.ledger.ledger_postgres import PostgresLedger
from metering.vouchers.losses_postgres import PostgresLosses


@dataclass(frozen=True, slots=True)
class Operating:
    health: Health
    system: System
    suspense: SuspenseRoutes
    reconciliation: ReconciliationRoutes
    channel_losses: ChannelLossRoutes

    def routes(self) -> RouteTable:
        return tables(
            *(self.health, self.system, self.suspense, self.reconciliation, self.channel_losses)
        )

    def with_dependency(self, dependency: Dependency) -> Self:
        """That `/ready` asks as well."""
        dependencies = (*self.health.dependencies, dependency)
        return replace(self, health=replace(self.health, dependencies=dependencies))


def operating(parts: Parts) -> Operating:
    stores, money, idempotency = parts.stores, parts.money, parts.idempotency
    network, database = stores.network, stores.database
    operator = Operator(hash_token(stores.secrets.create_or_read(CREATOR_TOKEN, new_token)[0]))
    losses = PostgresLosses(database, PostgresLedger(database))
    return Operating(
        Health(_dependencies(parts), parts.media.broadcasts, version()),
        System(version(), network.play_money, parts.media.urls.rtmp, network.passphrase),
        SuspenseRoutes(
            *(money.funding.suspense, stores.accounts, operator, idempotency),
            parts.intake.balance_changed,
        ),
        ReconciliationRoutes(money.reconciliation, money.restorer, operator, idempotency),
        ChannelLossRoutes(losses, operator, idempotency, parts.clock),
    )


def _dependencies(parts: Parts) -> Sequence[Dependency]:
    """What `/ready` asks."""
    stores = parts.stores
    return (
        database_dependency(stores.database),
        ingest_dependency(parts.media.rtmp),
        disk_dependency(stores.data),
        journal_dependency(stores.database),
        chain_dependency(parts.money),
        books_dependency(parts.money),
        signer_dependency(stores.signer),
        jail_dependency(stores.jail, stores.settings.jail_level_minimum),
    )
