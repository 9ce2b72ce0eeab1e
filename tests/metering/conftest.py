"""An intake, its clock and its store, and viewers on it."""

from collections.abc import AsyncIterator

import pytest

from config.clock import ManualClock
from metering.intake import Intake
from metering.ledger.ledger import Transfer
from metering.ledger.ledger_memory import MemoryLedger
from metering.money import Stroops
from metering.offer import Offer
from metering.outage import OutageRules
from metering.rules import MeterRules
from metering.tariff import Price, Tariff
from tests.metering.watching import HOT, PRICE, TREASURY, Store, Viewer, Watch


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(clock: ManualClock) -> AsyncIterator[Store]:
    store = Store(ledger=MemoryLedger(clock))
    fill = Transfer("fill", HOT.id, TREASURY.id, Stroops(10**9), "XLM", "fill")
    await store.post([HOT, TREASURY], [fill])
    yield store
    assert (await store.ledger.check()).sound


@pytest.fixture
def outage() -> OutageRules:
    """Nothing is lent, but in tests of that."""
    return OutageRules(seconds=0)


@pytest.fixture
async def intake(store: Store, clock: ManualClock, outage: OutageRules) -> AsyncIterator[Intake]:
    intake = Intake(store, clock, MeterRules(), outage=outage)
    await intake.start()
    yield intake
    store.gate.set()
    store.reads.set()
    store.lost = None
    await intake.stop()


@pytest.fixture
def watch(intake: Intake) -> Watch:
    async def watch(
        viewer: str = "v", balance: int = 10_000, price: Offer | Tariff | Price = PRICE
    ) -> Viewer:
        if balance:
            await intake.fund(viewer, Stroops(balance), f"fund:{viewer}")
        summary = await intake.open(viewer, "ast_1", "creator", price)
        return Viewer(intake, summary.session_id)

    return watch
