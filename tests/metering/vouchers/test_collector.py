"""What was signed for is collected once, whatever gets lost, and before it is taken back."""

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import structlog

from config.clock import ManualClock
from config.limits import COLLECTION_REST_MS, VOUCHER_LOOK_MS
from metering.ledger.ledger import hot_account, viewer_account
from metering.ledger.ledger_memory import MemoryLedger
from metering.money import Stroops
from metering.settlement.chain import ChainUnreachable
from metering.settlement.outbox import State
from metering.signer.collecting import Verb
from metering.vouchers.collecting import CollectingRules
from metering.vouchers.collector import Collector
from metering.vouchers.payment_channel import ChannelState, PaymentChannel, Voucher, channel_account
from metering.vouchers.store import MemoryVoucherStore
from tests.metering.vouchers.chain_model import PAYER, ChainModel

RULES = CollectingRules(Stroops(10_000), 86_400)
DEPOSIT = 1_000_000
DAY_MS = 86_400_000


class Office:
    """A collector, with what it works on; `restart` is a new process on the same store."""

    def __init__(self, chain: ChainModel) -> None:
        self.chain = chain
        self.clock = ManualClock()
        self.ledger = MemoryLedger()
        self.store = MemoryVoucherStore(self.ledger)
        self.told: list[tuple[str, str]] = []
        self.restart()

    def restart(self) -> None:
        self.collector = Collector(
            self.store, self.chain, self.chain, PAYER, self._tell, RULES, self.clock
        )

    def _tell(self, account: str, asset: str) -> None:
        self.told.append((account, asset))

    async def open(self, contract: str) -> None:
        now = datetime.fromtimestamp(self.clock.wall_ms() / 1000, UTC)
        self.chain.open(contract, bytes(32), DEPOSIT)
        await self.store.register(
            PaymentChannel(
                contract=contract,
                owner=f"acc_{contract}",
                asset="XLM",
                payer="GPAYER",
                key=bytes(32),
                waiting_ledgers=17_280,
                deposited=Stroops(DEPOSIT),
                seen_at=now,
                collected_at=now,
                signature=bytes(64),
            )
        )

    async def sign(self, contract: str, cumulative: int) -> None:
        since = datetime.fromtimestamp(0, UTC)
        voucher = Voucher(contract, Stroops(cumulative), cumulative.to_bytes(64, "big"))
        [answer] = await self.store.accept([voucher], since)
        assert isinstance(answer, PaymentChannel)

    async def channel(self, contract: str) -> PaymentChannel:
        kept = await self.store.channel(contract)
        assert kept is not None
        return kept

    async def passes(self, count: int = 4) -> None:
        """Time goes on, and what is due is done."""
        for _ in range(count):
            self.clock.advance(VOUCHER_LOOK_MS)
            self.chain.close_ledger(3)
            try:
                await self.collector.run_once()
            except ChainUnreachable:
                continue


def said(logs: list[structlog.typing.EventDict], words: str) -> bool:
    return any(words in entry["event"] for entry in logs)


@pytest.fixture
def chain() -> ChainModel:
    return ChainModel()


@pytest.fixture
async def office(chain: ChainModel) -> Office:
    office = Office(chain)
    await office.open("CA")
    return office


async def test_little_waits_for_a_day_and_much_does_not(office: Office, chain: ChainModel) -> None:
    await office.sign("CA", 9_999)
    await office.passes()
    assert chain.hot == 0
    await office.sign("CA", 10_099)
    await office.passes()
    assert chain.hot == 10_099
    await office.sign("CA", 10_200)
    await office.passes()
    assert chain.hot == 10_099
    office.clock.advance(DAY_MS)
    await office.passes()
    assert chain.hot == 10_200
    assert [ask.verb for ask in chain.asked] == [Verb.SETTLE, Verb.SETTLE]


async def test_what_is_being_closed_goes_first_and_takes_all_that_was_signed_for(
    office: Office, chain: ChainModel
) -> None:
    await office.open("CB")
    await office.sign("CA", 500_000)
    await office.sign("CB", 300)
    chain.start_closing("CB")
    await office.passes(1)
    assert [(ask.contract, ask.verb) for ask in chain.asked] == [("CB", Verb.CLOSE)]
    await office.passes(6)
    assert chain.hot == 500_300
    assert chain.given_back == DEPOSIT - 300
    assert (await office.channel("CB")).state is ChannelState.CLOSED
    assert (await office.channel("CA")).state is ChannelState.OPEN


async def test_a_viewer_who_closes_an_unused_one_has_all_of_it_back(
    office: Office, chain: ChainModel
) -> None:
    await office.store.close("CA", None)
    office.collector.hurry()
    await office.passes()
    assert (chain.hot, chain.given_back) == (0, DEPOSIT)
    assert (await office.channel("CA")).state is ChannelState.CLOSED


async def test_a_viewer_hears_of_what_was_paid_for_a_voucher_that_was_lost(
    office: Office, chain: ChainModel
) -> None:
    paid = chain.states["CA"]
    chain.states["CA"] = replace(paid, withdrawn=700, balance=paid.balance - 700)
    await office.passes(1)
    assert office.told == [("acc_CA", "XLM")]
    assert await office.ledger.balance(viewer_account("acc_CA", "XLM").id) == 700


async def test_the_operator_is_told_when_half_of_the_time_is_gone(
    office: Office, chain: ChainModel
) -> None:
    await office.sign("CA", 5_000)
    chain.start_closing("CA")
    chain.refused.add("CA")
    with structlog.testing.capture_logs() as logs:
        await office.passes()
        chain.close_ledger(8_000)
        await office.passes(1)
        assert not said(logs, "closes and is not collected from")
        chain.close_ledger(1_000)
        await office.passes(1)
        assert said(logs, "closes and is not collected from")
        chain.close_ledger(9_000)
        chain.take_back("CA")
        await office.passes(1)
        assert said(logs, "took back what was signed for")
    # What was lost stays in the books until somebody writes it off.
    assert await office.ledger.balance(channel_account("CA", "XLM").id) == -5_000


async def test_what_a_node_refuses_is_left_alone_for_a_while(
    office: Office, chain: ChainModel
) -> None:
    await office.open("CB")
    await office.sign("CA", 500_000)
    await office.sign("CB", 20_000)
    chain.refused.add("CA")
    await office.passes()
    assert chain.hot == 20_000
    chain.refused.clear()
    await office.passes(1)
    assert chain.hot == 20_000
    office.clock.advance(COLLECTION_REST_MS)
    await office.passes()
    assert chain.hot == 520_000


@pytest.mark.parametrize("seed", range(40))
async def test_nothing_is_lost_or_booked_twice_whatever_gets_lost(seed: int) -> None:
    """Of each question to the chain a third goes wrong, and processes die between any two steps.

    At the end what the chain paid is what the ledger says, for each payment channel, and all that
    was signed for was paid.
    """
    chance = random.Random(seed)
    chain = ChainModel(chance, faults=1 / 3)
    office = Office(chain)
    names = ["CA", "CB", "CC"]
    signed = dict.fromkeys(names, 0)
    for name in names:
        await office.open(name)
    for _ in range(40):
        name = chance.choice(names)
        if (await office.channel(name)).state is ChannelState.OPEN:
            signed[name] += chance.randrange(100, 15_000)
            await office.sign(name, signed[name])
        if chance.random() < 0.05:
            chain.start_closing(name)
        if chance.random() < 0.2:
            office.restart()
        await office.passes(1)
    chain.faults = 0
    for name in names:
        await office.store.close(name, None)
    for _ in range(60):
        await office.passes(1)
        office.clock.advance(COLLECTION_REST_MS)
    chain.close_ledger(18_000)  # for those whose payer began to close when nothing was due
    await office.passes(2)
    assert {name: chain.states[name].withdrawn for name in names} == signed
    assert chain.hot == sum(signed.values())
    assert -await office.ledger.balance(hot_account("XLM").id) == chain.hot
    for name in names:
        assert (await office.channel(name)).state is ChannelState.CLOSED
        assert await office.ledger.balance(channel_account(name, "XLM").id) == 0
        viewer = viewer_account(f"acc_{name}", "XLM").id
        assert await office.ledger.balance(viewer) == signed[name]
    assert (await office.ledger.check()).sound


async def test_a_process_that_died_before_it_sent_goes_on_with_the_same_envelope(
    office: Office, chain: ChainModel
) -> None:
    await office.sign("CA", 50_000)
    chain.deaf = True
    await office.passes(1)
    chain.deaf = False
    office.restart()
    await office.passes()
    assert chain.hot == 50_000
    assert len(chain.asked) == 1
    last = await office.store.last_collection("CA")
    assert last is not None
    assert last.state is State.APPLIED
