"""Money in and out: balances, every way to fill one, and what is paid in advance."""

from dataclasses import dataclass

from api.area import RouteTable, tables
from api.composition.parts import Parts
from api.composition.terms import sessions_at_once
from api.deposits import Deposits
from api.passes import PassRoutes
from api.payment_channels import PaymentChannels
from api.payments import Payments
from api.presented_payments import PresentedPayments
from api.sandbox import Sandbox
from api.subscriptions import SubscriptionRoutes, plans_on_sale
from api.top_ups import TopUps
from api.withdrawals import Withdrawals
from config.limits import (
    GUESTS_PER_MINUTE_MAX,
    PAYMENT_CHANNELS_PER_MINUTE_MAX,
    WITHDRAWALS_PER_MINUTE_MAX,
    X402_PER_MINUTE_MAX,
    X402_STROOPS_MIN,
)
from metering.ledger.balances import Balances
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import NATIVE, Stroops
from metering.vouchers.desk import VoucherDesk


@dataclass(frozen=True, slots=True)
class Paying:
    payments: Payments
    payment_channels: PaymentChannels
    deposits: Deposits
    top_ups: TopUps
    withdrawals: Withdrawals
    subscriptions: SubscriptionRoutes
    passes: PassRoutes

    def routes(self) -> RouteTable:
        return tables(
            *(self.payments, self.payment_channels, self.deposits, self.top_ups),
            *(self.withdrawals, self.subscriptions, self.passes),
        )


def paying(parts: Parts) -> Paying:
    money, bearers, intake = parts.money, parts.bearers, parts.intake
    assets = parts.settings.stellar.assets
    presented = _presented(parts)
    return Paying(
        payments=_payments(parts),
        payment_channels=_payment_channels(parts),
        deposits=Deposits(
            money.funding.deposits,
            bearers,
            money.deposit_address,
            parts.stores.network.passphrase,
            assets,
            Stroops(parts.settings.payments.deposit_minimum_stroops),
        ),
        top_ups=TopUps(presented, bearers, intake, assets, parts.idempotency),
        withdrawals=_withdrawals(parts),
        subscriptions=_subscriptions(parts),
        passes=PassRoutes(
            *(money.passes, parts.catalogue, parts.payees, intake, bearers),
            *(parts.idempotency, presented, parts.clock),
        ),
    )


def _payments(parts: Parts) -> Payments:
    return Payments(
        parts.stores.accounts,
        parts.bearers,
        parts.intake,
        Sandbox(parts.intake, parts.money.filled) if parts.stores.network.play_money else None,
        parts.limit(GUESTS_PER_MINUTE_MAX),
        parts.clock,
        NATIVE,
        parts.idempotency,
        Balances(PostgresLedger(parts.stores.database), parts.intake),
    )


def _payment_channels(parts: Parts) -> PaymentChannels:
    money, network = parts.money, parts.stores.network
    return PaymentChannels(
        VoucherDesk(money.vouchers, money.channels, parts.intake, parts.clock),
        money.channels,
        parts.bearers,
        parts.clock,
        network.rpc_url if network.play_money else None,
        parts.limit(PAYMENT_CHANNELS_PER_MINUTE_MAX),
        parts.idempotency,
    )


def _presented(parts: Parts) -> PresentedPayments:
    minimum = max(parts.settings.payments.deposit_minimum_stroops, X402_STROOPS_MIN)
    return PresentedPayments(
        parts.money.funding.deposits,
        parts.money.top_ups,
        parts.money.deposit_address,
        Stroops(minimum),
        parts.limit(X402_PER_MINUTE_MAX),
        parts.settings.http.public_url,
    )


def _withdrawals(parts: Parts) -> Withdrawals:
    money, settings = parts.money, parts.settings
    return Withdrawals(
        money.funding.withdrawals,
        money.outbox,
        parts.intake,
        parts.bearers,
        parts.idempotency,
        parts.limit(WITHDRAWALS_PER_MINUTE_MAX),
        money.addresses,
        money.obstacle,
        settings.stellar.assets,
        Stroops(settings.payments.withdrawal_minimum_stroops),
        Stroops(settings.settlement.daily_cap_stroops),
    )


def _subscriptions(parts: Parts) -> SubscriptionRoutes:
    terms = parts.settings.subscriptions
    return SubscriptionRoutes(
        parts.money.subscriptions,
        plans_on_sale(terms, NATIVE),
        terms.trial_days,
        sessions_at_once(parts.settings),
        parts.bearers,
        parts.idempotency,
        parts.intake,
        parts.clock,
    )
