"""Subscriptions over Postgres, with a real meter that is watched by: paid, used up and divided."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from api.auth.account import AccountKind, hash_token, new_account
from api.auth.account_postgres import PostgresAccountStore
from config.clock import ManualClock
from config.ids import new_id
from config.postgres import Database
from metering.intake import Intake
from metering.ledger.ledger import (
    Transfer,
    WouldOverdraw,
    creator_account,
    hot_account,
    treasury_account,
    viewer_account,
)
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.offer import Offer
from metering.revenue.pools import Pool, Pools, division
from metering.revenue.scaled_user_prop import divide
from metering.rules import MeterRules
from metering.shares.splits import platform_account
from metering.store_postgres import PostgresMeterStore
from metering.subscriptions.included import Included
from metering.subscriptions.renewals import Renewals
from metering.subscriptions.store import AlreadySubscribed, ChangedMeanwhile
from metering.subscriptions.store_postgres import PostgresSubscriptionStore
from metering.subscriptions.subscription import Kind, Look, Plan, State, begin, look
from metering.tariff import Price
from tests.metering.watching import Viewer

FEE = 1_000_001
PLAN = Plan("silver", Stroops(FEE), "XLM", 120)
BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)
CREATORS_BPS = 7_000


class Platform:
    """A meter, a ledger and subscriptions on one database, on a clock that is moved by hand."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock(int(BEGAN.timestamp() * 1000))
        self.ledger = PostgresLedger(database)
        self.intake = Intake(PostgresMeterStore(database), self.clock, MeterRules())
        self.store = PostgresSubscriptionStore(database, self.ledger)
        self.included = Included(self.store)
        self.debited: list[str] = []

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.wall_ms() / 1000, UTC)

    def renewals(self) -> Renewals:
        def debited(account: str, asset: str) -> None:
            self.debited.append(account)
            self.intake.balance_changed(account, asset)

        pools = Pools(self.database, self.ledger, CREATORS_BPS)
        return Renewals(self.store, pools, self.clock, debited)

    async def account(self, name: str, stroops: int) -> str:
        account = new_account(AccountKind.GUEST, name, self.clock.wall_ms())
        await PostgresAccountStore(self.database).create(account, hash_token(name))
        if stroops:
            await self.intake.fund(account.id, Stroops(stroops), f"fund:{account.id}")
        return account.id

    async def subscribe(self, account: str, trial_days: int = 0) -> Look:
        id_ = new_id("sub", self.clock.wall_ms())
        seen = begin(id_, account, PLAN, self.now, trial_days)
        await self.store.begin(seen, self.now)
        return seen

    async def watch(self, account: str, payee: str, seconds: int) -> int:
        """Of somebody's video; how many stroops that came to."""
        session = new_id("ses", self.clock.wall_ms())
        offer = Offer.of(Price("XLM", 10, 1))
        offer = await self.included.offer(account, session, offer, self.now)
        await self.intake.open(account, f"ast_{payee}", payee, offer, session)
        viewer = Viewer(self.intake, session)
        for segment in range(seconds // 2):
            await viewer.play(segment)
            self.clock.advance(2_000)
        return (await self.intake.close(session)).amount

    async def pass_to(self, moment: datetime) -> None:
        """Let the time pass with a look every six hours, as a server does more often."""
        renewals = self.renewals()
        while self.now < moment:
            step = min(timedelta(hours=6), moment - self.now)
            self.clock.advance(int(step.total_seconds() * 1000))
            await renewals.run_once()

    async def balance(self, account: str) -> int:
        return (await self.ledger.balances(account)).get(account, 0)


@pytest.fixture
async def platform(database: Database) -> AsyncIterator[Platform]:
    platform = Platform(database)
    hot, treasury = hot_account("XLM"), treasury_account("XLM")
    await platform.ledger.open_accounts([hot, treasury])
    fill = Transfer("fill", hot.id, treasury.id, Stroops(10**12), "XLM", "fill")
    await platform.ledger.post([fill])
    await platform.intake.start()
    yield platform
    await platform.intake.stop()
    assert (await platform.ledger.check()).sound


async def test_a_month_of_fees_goes_to_those_who_were_watched_and_once(platform: Platform) -> None:
    light = await platform.account("light", FEE)
    heavy = await platform.account("heavy", FEE)
    idle = await platform.account("idle", FEE)
    for account in (light, heavy, idle):
        await platform.subscribe(account)
    assert await platform.watch(light, "acc_ann", 10) == 0
    assert await platform.watch(heavy, "acc_bob", 60) == 0
    assert await platform.watch(heavy, "acc_ann", 40) == 0
    await platform.pass_to(datetime(2026, 2, 28, 11, tzinfo=UTC))
    assert await platform.balance(creator_account("acc_ann", "XLM").id) == 0
    await platform.pass_to(datetime(2026, 2, 28, 18, tzinfo=UTC))
    await asyncio.gather(*(platform.renewals().run_once() for _ in range(3)))

    watched = [{"acc_ann": 10}, {"acc_bob": 60, "acc_ann": 40}]
    exact = divide(watched, Fraction(CREATORS_BPS, 10_000))
    paid = {
        name: await platform.balance(creator_account(name, "XLM").id)
        for name in ("acc_ann", "acc_bob")
    }
    assert sum(paid.values()) == 2 * FEE * CREATORS_BPS // 10_000
    assert all(abs(paid[name] - exact[name] * FEE) <= 1 for name in paid)
    assert await platform.balance(platform_account("XLM").id) == 3 * FEE - sum(paid.values())


async def test_what_is_included_is_used_up_and_new_each_paid_month(platform: Platform) -> None:
    account = await platform.account("viewer", 10 * FEE)
    await platform.subscribe(account)
    assert await platform.watch(account, "acc_ann", 80) == 0
    # 40 seconds are left, which is no whole minute.
    assert await platform.watch(account, "acc_ann", 20) == 200
    await platform.pass_to(datetime(2026, 3, 1, tzinfo=UTC))
    assert platform.debited == [account]
    assert await platform.watch(account, "acc_ann", 140) == 200


async def test_two_sessions_at_once_share_what_is_left(platform: Platform) -> None:
    account = await platform.account("viewer", 10 * FEE)
    await platform.subscribe(account)
    offer, free = Offer.of(Price("XLM", 10, 1)), []
    for _ in range(2):
        session = new_id("ses", platform.clock.wall_ms())
        offered = await platform.included.offer(account, session, offer, platform.now)
        await platform.intake.open(account, "ast_1", "acc_ann", offered, session)
        free.append(offered.tariff.free_seconds)
    assert free == [120, 0]


async def test_a_fee_that_cannot_be_paid_waits_for_money_and_then_is_paid(
    platform: Platform,
) -> None:
    account = await platform.account("poor", FEE)
    await platform.subscribe(account)
    await platform.pass_to(datetime(2026, 3, 2, tzinfo=UTC))
    kept = await platform.store.current(account)
    assert kept is not None
    assert kept.subscription.state is State.GRACE
    told = [each.kind for each in await platform.store.told(account, 20)]
    assert told == [*[Kind.UNPAID] * 2, *[Kind.RUNNING_LOW] * 3, Kind.PAID]
    offer = Offer.of(Price("XLM", 10, 1))
    assert await platform.included.offer(account, "ses_1", offer, platform.now) == offer
    await platform.intake.fund(account, Stroops(FEE), "fund:again")
    await platform.renewals().run_once()
    kept = await platform.store.current(account)
    assert kept is not None
    assert (kept.subscription.state, kept.subscription.month) == (State.ACTIVE, 2)
    assert await platform.balance(viewer_account(account, "XLM").id) == 0


async def test_nobody_is_taken_a_fee_from_twice_and_nobody_has_two(platform: Platform) -> None:
    account = await platform.account("viewer", 2 * FEE)
    seen = await platform.subscribe(account)
    await platform.store.begin(seen, platform.now)  # the same request again
    with pytest.raises(AlreadySubscribed):
        await platform.subscribe(account)
    kept = await platform.store.current(account)
    assert kept is not None
    renewed = look(kept.subscription, kept.subscription.ends, FEE)
    await platform.store.advance(kept, renewed, kept.subscription.ends)
    with pytest.raises(ChangedMeanwhile):
        await platform.store.advance(kept, renewed, kept.subscription.ends)
    assert await platform.balance(viewer_account(account, "XLM").id) == 0


async def test_who_has_too_little_begins_nothing(platform: Platform) -> None:
    account = await platform.account("poor", FEE - 1)
    with pytest.raises(WouldOverdraw):
        await platform.subscribe(account)
    assert await platform.store.latest(account) is None
    await platform.subscribe(account, trial_days=3)
    kept = await platform.store.current(account)
    assert kept is not None
    assert kept.subscription.state is State.TRIAL
    await platform.store.advance(
        kept, Look(replace(kept.subscription, next_plan=None)), platform.now
    )
    await platform.pass_to(BEGAN + timedelta(days=4))
    latest = await platform.store.latest(account)
    assert latest is not None
    assert latest.end_reason is Kind.CANCELLED


def test_fees_of_those_who_watched_nothing_are_the_platforms() -> None:
    made = division(Pool("p", "XLM", 300, 3), {"sub_1": {"acc_ann": 5}}, 7_000)
    assert (made.shared, made.watching) == (70, 1)
    assert division(Pool("p", "XLM", 300, 3), {}, 7_000).shared == 0
