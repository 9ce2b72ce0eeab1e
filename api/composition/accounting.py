"""What was paid and earned: told, divided and proved."""

from dataclasses import dataclass

from api.area import RouteTable, tables
from api.composition.parts import Parts
from api.earnings import EarningsRoutes
from api.movements_postgres import PostgresMovements
from api.proofs import ProofRoutes
from api.receipts import ReceiptRoutes
from api.sources import Sources
from api.splits import SplitRoutes
from api.statement_postgres import PostgresStatements
from api.statements import Statements
from metering.money import NATIVE
from metering.settlement.payout_trace import PayoutTrace


@dataclass(frozen=True, slots=True)
class Accounting:
    statements: Statements
    receipts: ReceiptRoutes
    earnings: EarningsRoutes
    splits: SplitRoutes
    proofs: ProofRoutes

    def routes(self) -> RouteTable:
        return tables(self.statements, self.receipts, self.earnings, self.splits, self.proofs)


def accounting(parts: Parts, sources: Sources) -> Accounting:
    money, bearers, database = parts.money, parts.bearers, parts.stores.database
    trace = PayoutTrace(database, money.splits)
    return Accounting(
        Statements(PostgresMovements(database), PostgresStatements(database), bearers),
        ReceiptRoutes(
            *(money.receipts, money.sessions, money.splits, trace, money.receipt_key.sign),
            *(bearers, parts.clock),
        ),
        EarningsRoutes(
            *(money.earnings, money.passes, parts.intake, parts.media.broadcasts, bearers),
            *(NATIVE, parts.stopping),
        ),
        SplitRoutes(
            *(money.splits, parts.stores.accounts, parts.catalogue, sources.own, bearers),
            parts.settings.payments.platform_fee_bps,
        ),
        ProofRoutes(money.outbox, trace, parts.stores.network.passphrase, bearers),
    )
