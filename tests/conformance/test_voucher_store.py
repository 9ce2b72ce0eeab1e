"""Both stores of payment channels take the same vouchers, and move the same money with them."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from config.postgres import Database, PostgresError
from metering.ledger.ledger import (
    Ledger,
    Transfer,
    WouldOverdraw,
    creator_account,
    hot_account,
    viewer_account,
)
from metering.ledger.ledger_memory import MemoryLedger
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.settlement.outbox import MovedOn, Outcome, SignedEnvelope, SourceBusy, State
from metering.settlement.sending import sent
from metering.signer.collecting import Verb
from metering.vouchers.collection import Collection
from metering.vouchers.payment_channel import (
    AlreadyTaken,
    ChannelState,
    ContractState,
    DeltaTooSmall,
    ExceedsDeposit,
    LastDoesNotFit,
    NoLongerOpen,
    NotSeenLately,
    PaymentChannel,
    UnknownChannel,
    Voucher,
    channel_account,
)
from metering.vouchers.store import MemoryVoucherStore, VoucherStore
from metering.vouchers.store_postgres import PostgresVoucherStore

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LATELY = NOW - timedelta(hours=1)
CONTRACT = "CAAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQC526"
VIEWER, SIDE = viewer_account("acc_v", "XLM"), channel_account(CONTRACT, "XLM")
HOT = hot_account("XLM")
DEPOSIT = 1_000_000

CHANNEL = PaymentChannel(
    contract=CONTRACT,
    owner="acc_v",
    asset="XLM",
    payer="GPAYER",
    key=bytes(32),
    waiting_ledgers=17_280,
    deposited=Stroops(DEPOSIT),
    seen_at=NOW,
    collected_at=NOW,
    signature=bytes(64),
)
STATE = ContractState(
    wasm="ab",
    token="CTOKEN",
    payer="GPAYER",
    recipient="GHOT",
    key=bytes(32),
    waiting_ledgers=17_280,
    withdrawn=0,
    balance=DEPOSIT,
    closes_at=None,
    ledger=1_000,
)
ENVELOPE = SignedEnvelope("AAAA", "hash-1", "GSOURCE", 7, 1_700_000_000, 5_000, 990)


def voucher(cumulative: int, contract: str = CONTRACT) -> Voucher:
    """The store does not look at signatures; each sum has its own."""
    return Voucher(contract, Stroops(cumulative), cumulative.to_bytes(64, "big"))


class Kept:
    """A store and its ledger."""

    def __init__(self, store: VoucherStore, ledger: Ledger) -> None:
        self.store = store
        self.ledger = ledger

    async def accept(self, *cumulative: int) -> list[object]:
        """What was answered: the sum that is signed for then, or the kind of the refusal."""
        answers = await self.store.accept([voucher(each) for each in cumulative], LATELY)
        return [each.signed if isinstance(each, PaymentChannel) else type(each) for each in answers]

    async def balances(self) -> tuple[int, int, int]:
        """Of the viewer, the payment channel's side and the hot account."""
        there = [await self.ledger.balance(each.id) for each in (VIEWER, SIDE, HOT)]
        return there[0], there[1], there[2]


@pytest.fixture
def memory() -> Kept:
    ledger = MemoryLedger()
    return Kept(MemoryVoucherStore(ledger), ledger)


@pytest.fixture
def postgres(database: Database) -> Kept:
    ledger = PostgresLedger(database)
    return Kept(PostgresVoucherStore(database, ledger), ledger)


@pytest.fixture(params=["memory", "postgres"])
def named(request: pytest.FixtureRequest) -> Kept:
    made: Kept = request.getfixturevalue(request.param)
    return made


@pytest.fixture
async def kept(named: Kept, request: pytest.FixtureRequest) -> Kept:
    if isinstance(named.store, PostgresVoucherStore):
        await add_accounts(request.getfixturevalue("database"))
    await named.store.register(CHANNEL)
    return named


async def add_accounts(database: Database) -> None:
    await database.execute(
        "INSERT INTO account (id, kind, display_name, token_hash, created_at)"
        " SELECT id, 'guest', 'Guest', convert_to(id, 'UTF8'), now()"
        " FROM unnest(ARRAY['acc_v', 'acc_w']) AS new (id)"
    )


async def test_a_payment_channel_is_registered_once_and_by_one_account(kept: Kept) -> None:
    store = kept.store
    await kept.accept(5_000)
    assert (await store.register(CHANNEL)).signed == 5_000
    with pytest.raises(AlreadyTaken):
        await store.register(replace(CHANNEL, owner="acc_w"))
    other = replace(CHANNEL, contract="CB", owner="acc_w")
    assert await store.register(other) == other
    assert [each.contract for each in await store.channels("acc_v", 9)] == [CONTRACT]
    assert [each.contract for each in await store.unfinished(CONTRACT, 9)] == ["CB"]
    assert await store.channel("CC") is None


async def test_a_voucher_is_worth_what_it_adds(kept: Kept) -> None:
    assert await kept.accept(5_000, 5_000, 4_999, 5_099, 5_100) == [
        5_000, 5_000, DeltaTooSmall, DeltaTooSmall, 5_100,
    ]  # fmt: skip
    assert await kept.accept(DEPOSIT + 1, DEPOSIT) == [ExceedsDeposit, DEPOSIT]
    assert await kept.balances() == (DEPOSIT, -DEPOSIT, 0)
    there = await kept.store.channel(CONTRACT)
    assert there is not None
    assert there.signature == voucher(DEPOSIT).signature
    assert isinstance((await kept.store.accept([voucher(5, "CX")], LATELY))[0], UnknownChannel)


async def test_a_contract_that_was_not_seen_for_long_gives_no_credit(kept: Kept) -> None:
    answers = await kept.store.accept([voucher(5_000)], NOW + timedelta(seconds=1))
    assert isinstance(answers[0], NotSeenLately)
    assert await kept.balances() == (0, 0, 0)


async def test_ten_thousand_vouchers_replayed_and_reordered_come_to_the_highest(
    kept: Kept,
) -> None:
    """2,500 vouchers, each four times, in any order, over eight connections in batches of any
    size; some are for more than there is. What is accepted is the highest that there is money for.
    """
    chance = random.Random(11)
    sums = [chance.randrange(1, DEPOSIT * 5 // 4) for _ in range(2_500)] * 4
    chance.shuffle(sums)
    lanes = [sums[lane::8] for lane in range(8)]

    async def send(lane: list[int]) -> None:
        while lane:
            count = chance.randrange(1, 64)
            batch, lane = lane[:count], lane[count:]
            await kept.accept(*batch)

    await asyncio.gather(*map(send, lanes))
    there = await kept.store.channel(CONTRACT)
    assert there is not None
    highest = max(each for each in sums if each <= DEPOSIT)
    assert highest - 100 < there.signed <= highest
    assert there.signature == voucher(there.signed).signature
    assert await kept.balances() == (there.signed, -there.signed, 0)
    assert (await kept.ledger.check()).sound


async def test_what_the_contract_paid_is_booked_once_whoever_asked_for_it(kept: Kept) -> None:
    store = kept.store
    await kept.accept(5_000)
    paid = replace(STATE, withdrawn=4_000, balance=DEPOSIT - 4_000)
    seen = await store.see(CONTRACT, paid, NOW + timedelta(minutes=1))
    assert await store.see(CONTRACT, paid, NOW + timedelta(minutes=1)) == seen
    assert (seen.withdrawn, seen.deposited, seen.uncollected) == (4_000, DEPOSIT, 1_000)
    assert seen.collected_at == NOW + timedelta(minutes=1)
    # A node that is behind takes nothing back.
    assert (await store.see(CONTRACT, STATE, NOW + timedelta(minutes=2))).withdrawn == 4_000
    assert await kept.balances() == (5_000, -1_000, -4_000)


async def test_a_lost_voucher_that_the_contract_paid_is_the_viewers_to_spend(kept: Kept) -> None:
    """As after a backup from before that voucher was put back."""
    await kept.accept(5_000)
    paid = replace(STATE, withdrawn=9_000, balance=DEPOSIT - 9_000)
    seen = await kept.store.see(CONTRACT, paid, NOW)
    assert (seen.signed, seen.accepted, seen.uncollected) == (5_000, 9_000, 0)
    assert await kept.balances() == (9_000, 0, -9_000)
    assert await kept.accept(9_050, 9_100) == [DeltaTooSmall, 9_100]
    assert await kept.balances() == (9_100, -100, -9_000)


async def test_nothing_is_accepted_once_the_payer_takes_the_money_back(kept: Kept) -> None:
    store = kept.store
    await kept.accept(5_000)
    seen = await store.see(CONTRACT, replace(STATE, closes_at=18_280), NOW)
    assert (seen.state, seen.closes_at) == (ChannelState.CLOSING, 18_280)
    assert await kept.accept(5_000, 6_000) == [5_000, NoLongerOpen]
    over = replace(STATE, closes_at=18_280, ledger=18_280, withdrawn=5_000, balance=0)
    assert (await store.see(CONTRACT, over, NOW)).state is ChannelState.CLOSED
    assert await store.unfinished("", 9) == []


async def test_who_closes_gets_back_what_was_signed_for_and_not_watched(kept: Kept) -> None:
    store = kept.store
    await kept.accept(5_000)
    await kept.ledger.open_accounts([creator_account("c", "XLM")])
    watched = Transfer("w", VIEWER.id, creator_account("c", "XLM").id, Stroops(3_000), "XLM", "x")
    await kept.ledger.post([watched])
    with pytest.raises(WouldOverdraw):
        await store.close(CONTRACT, voucher(2_999))
    with pytest.raises(LastDoesNotFit):
        await store.close(CONTRACT, voucher(5_001))
    closing = await store.close(CONTRACT, voucher(3_000))
    assert await store.close(CONTRACT, voucher(3_000)) == closing
    assert (closing.state, closing.signed) == (ChannelState.CLOSING, 3_000)
    assert closing.signature == voucher(3_000).signature
    assert await kept.balances() == (0, -3_000, 0)
    # A settling of the higher voucher was on its way: the viewer has the difference here.
    seen = await store.see(CONTRACT, replace(STATE, withdrawn=5_000, balance=5), NOW)
    assert await kept.balances() == (2_000, 0, -5_000)
    assert seen.uncollected == 0
    with pytest.raises(UnknownChannel):
        await store.close("CX", None)


async def test_one_collection_of_an_account_is_under_way_at_a_time(kept: Kept) -> None:
    store = kept.store
    first = Collection("col_1", CONTRACT, Verb.SETTLE, 5_000, ENVELOPE, 1)
    await store.collect(first)
    with pytest.raises(SourceBusy):
        await store.collect(replace(first, id="col_2", signed=replace(ENVELOPE, hash="hash-2")))
    assert await store.under_way("GSOURCE") == first
    on_its_way = sent(first, 2)
    await store.advance(first, on_its_way)
    with pytest.raises(MovedOn):
        await store.advance(first, on_its_way)
    over = replace(on_its_way, state=State.DEAD, outcome=Outcome(None, 0, "expired"))
    await store.advance(on_its_way, over)
    assert await store.under_way("GSOURCE") is None
    last = await store.last_collection(CONTRACT)
    assert last is not None
    assert (last.id, last.state) == ("col_1", State.DEAD)
    assert await store.last_collection("CX") is None


async def test_the_database_itself_takes_nothing_back(postgres: Kept, database: Database) -> None:
    await add_accounts(database)
    await postgres.store.register(CHANNEL)
    await postgres.accept(5_000)
    for change in (
        "signed = 4999",
        "withdrawn = -1",
        "owner = 'acc_w'",
        "key = '\\x00'",
        "state = 'closed', contract = 'CB'",
    ):
        with pytest.raises(PostgresError):
            await database.execute(f"UPDATE payment_channel SET {change}")
    with pytest.raises(PostgresError):
        await database.execute("DELETE FROM payment_channel")
