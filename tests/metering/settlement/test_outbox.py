"""One suite for every outbox: the states of a settlement and its money move together."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from config.postgres import Database, PostgresError
from metering.ledger.ledger import (
    Ledger,
    Transfer,
    WouldOverdraw,
    creator_account,
    hot_account,
    treasury_account,
)
from metering.ledger.ledger_memory import MemoryLedger
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.settlement.outbox import (
    Kind,
    Left,
    MovedOn,
    Outbox,
    Outcome,
    Payment,
    Settlement,
    SignedEnvelope,
    SourceBusy,
    Spending,
    State,
)
from metering.settlement.outbox_memory import MemoryOutbox
from metering.settlement.outbox_postgres import PostgresOutbox

NOW_MS = 1_700_000_000_000
FEE = 1_000
# What is signed here can be applied up to then.
LEFT_UNTIL = 1_700_000_120


@dataclass
class Books:
    """An outbox and the ledger beside it: ana is owed 500, ben 300, the treasury has 10,000."""

    outbox: Outbox
    ledger: Ledger

    async def balances(self) -> dict[str, int]:
        accounts = {
            "ana": creator_account("ana", "XLM").id,
            "ben": creator_account("ben", "XLM").id,
            "treasury": treasury_account("XLM").id,
            "chain": hot_account("XLM").id,
        }
        return {name: await self.ledger.balance(account) for name, account in accounts.items()}


UNTOUCHED = {"ana": 500, "ben": 300, "treasury": 10_000, "chain": -10_800}


@pytest.fixture
async def memory() -> AsyncIterator[Books]:
    ledger = MemoryLedger()
    books = Books(MemoryOutbox(ledger), ledger)
    await _fund(books)
    yield books
    assert (await ledger.check()).sound


@pytest.fixture
async def postgres(database: Database) -> AsyncIterator[Books]:
    ledger = PostgresLedger(database)
    books = Books(PostgresOutbox(database, ledger), ledger)
    await _fund(books)
    yield books
    assert (await ledger.check()).sound


@pytest.fixture(params=["memory", "postgres"])
def books(request: pytest.FixtureRequest) -> Books:
    made: Books = request.getfixturevalue(request.param)
    return made


async def _fund(books: Books) -> None:
    accounts = [
        creator_account("ana", "XLM"),
        creator_account("ben", "XLM"),
        treasury_account("XLM"),
    ]
    await books.ledger.open_accounts([*accounts, hot_account("XLM")])
    await books.ledger.post(
        [
            Transfer(f"fund:{a.id}", "chain:hot:XLM", a.id, Stroops(amount), "XLM", "fund")
            for a, amount in zip(accounts, (500, 300, 10_000), strict=True)
        ]
    )


def settlement(number: int = 1, ana: int = 500, ben: int = 300) -> Settlement:
    return Settlement(
        id=f"set_{number}",
        asset="XLM",
        source="GHOT",
        fee_max=FEE,
        payments=(
            Payment(f"pay_{number}a", "ana", "GANA", Stroops(ana), "creator:ana:XLM", due="ana"),
            Payment(f"pay_{number}b", "ben", "GBEN", Stroops(ben), "creator:ben:XLM", due="ben"),
        ),
        created_ms=NOW_MS + number,
    )


def signed(planned: Settlement) -> Settlement:
    envelope = SignedEnvelope(
        xdr="AAAA",
        hash=f"hash of {planned.id}",
        source=planned.source,
        sequence=7,
        max_time=1_700_000_120,
        fee=planned.fee_max,
        ledger=42,
    )
    return replace(planned, state=State.SIGNED, signed=envelope)


def ended(before: Settlement, state: State, fee: int, operations: tuple[str, ...]) -> Settlement:
    outcome = Outcome(43 if fee else None, fee, f"tx_{state.value}", operations)
    return replace(before, state=state, outcome=outcome)


async def planned_and_signed(books: Books) -> Settlement:
    plan = settlement()
    await books.outbox.plan(plan)
    await books.outbox.advance(plan, signed(plan))
    return signed(plan)


async def planned_and_sent(books: Books) -> Settlement:
    before = await planned_and_signed(books)
    sent = replace(before, state=State.SENT, sent_ms=NOW_MS)
    await books.outbox.advance(before, sent)
    return sent


async def test_planning_sets_payments_and_fee_aside(books: Books) -> None:
    await books.outbox.plan(settlement())
    assert await books.balances() == {"ana": 0, "ben": 0, "treasury": 9_000, "chain": -10_800}
    assert await books.outbox.unfinished("GHOT") == [settlement()]
    assert await books.outbox.unfinished("GOTHER") == []
    assert await books.outbox.totals("ana", "XLM") == (500, 0)


async def test_planning_more_than_is_there_plans_nothing(books: Books) -> None:
    with pytest.raises(WouldOverdraw):
        await books.outbox.plan(settlement(ben=301))
    assert await books.balances() == UNTOUCHED
    assert await books.outbox.unfinished("GHOT") == []
    assert await books.outbox.payouts("ana", "XLM", 10) == []


async def test_a_source_has_one_settlement_under_way_at_a_time(books: Books) -> None:
    await books.outbox.plan(settlement(1, ana=100, ben=100))
    with pytest.raises(SourceBusy):
        await books.outbox.plan(settlement(2, ana=100, ben=100))
    other = replace(settlement(3, ana=100, ben=100), source="GOTHER")
    await books.outbox.plan(other)
    assert await books.outbox.unfinished("GOTHER") == [other]


async def test_an_applied_settlement_moves_payments_and_the_fee_to_the_chain(books: Books) -> None:
    before = await planned_and_signed(books)
    after = ended(before, State.APPLIED, 200, ("op_success", "op_success"))
    await books.outbox.advance(before, after)
    chain = -10_800 + 800 + 200
    assert await books.balances() == {"ana": 0, "ben": 0, "treasury": 9_800, "chain": chain}
    assert await books.outbox.unfinished("GHOT") == []
    assert await books.outbox.totals("ana", "XLM") == (0, 500)
    [payout] = await books.outbox.payouts("ana", "XLM", 10)
    assert (payout.id, payout.state, payout.amount) == ("pay_1a", "applied", 500)
    assert payout.transaction_hash == "hash of set_1"
    assert int(payout.created_at.timestamp() * 1000) == NOW_MS + 1
    assert payout.code is None


async def test_a_failed_settlement_costs_its_fee_and_gives_the_payments_back(books: Books) -> None:
    before = await planned_and_signed(books)
    after = ended(before, State.FAILED, 200, ("op_success", "op_no_destination"))
    await books.outbox.advance(before, after)
    assert await books.balances() == UNTOUCHED | {"treasury": 9_800, "chain": -10_600}
    assert [p.code for p in await books.outbox.payouts("ben", "XLM", 9)] == ["op_no_destination"]
    codes = ("op_no_destination", "op_no_trust")
    assert await books.outbox.refused_since("XLM", codes, NOW_MS) == {"ben": "op_no_destination"}
    assert await books.outbox.refused_since("XLM", codes, NOW_MS + 2) == {}
    assert await books.outbox.refused_since("USD", codes, NOW_MS) == {}


async def test_a_dead_settlement_gives_everything_back_and_may_be_planned_anew(
    books: Books,
) -> None:
    before = await planned_and_signed(books)
    await books.outbox.advance(before, ended(before, State.DEAD, 0, ()))
    assert await books.balances() == UNTOUCHED
    assert [p.code for p in await books.outbox.payouts("ana", "XLM", 9)] == ["tx_dead"]
    await books.outbox.plan(settlement(2))
    assert [p.id for p in await books.outbox.payouts("ana", "XLM", 9)] == ["pay_2a", "pay_1a"]
    assert [p.id for p in await books.outbox.payouts("ana", "XLM", 1)] == ["pay_2a"]


async def test_a_higher_bid_is_set_aside_and_paid_by_the_hot_account(books: Books) -> None:
    before = await planned_and_sent(books)
    assert before.signed is not None
    bid = replace(before.signed, xdr="BBBB", hash="bump", fee=3 * FEE, ledger=44)
    bumped = replace(before, bumps=(bid,), sent_ms=NOW_MS + 1)
    await books.outbox.advance(before, bumped)
    assert (await books.balances())["treasury"] == 10_000 - 3 * FEE
    assert await books.outbox.unfinished("GHOT") == [bumped]
    assert (await books.outbox.spent_since("XLM", NOW_MS)).fees == 3 * FEE
    with pytest.raises(MovedOn):
        await books.outbox.advance(before, replace(bumped, bumps=(replace(bid, hash="other"),)))
    outcome = Outcome(45, 2_500, "tx_fee_bump_inner_success", ("op_success", "op_success"))
    ended_ = replace(bumped, state=State.APPLIED, outcome=outcome)
    await books.outbox.advance(bumped, ended_)
    assert (await books.balances())["treasury"] == 10_000 - 2_500
    assert (await books.balances())["chain"] == -10_800 + 800 + 2_500
    assert await books.outbox.settlement("set_1") == ended_
    assert await books.outbox.settlement_of("pay_1a") == ended_
    assert await books.outbox.settlement_of("pay_x") is None
    assert await books.outbox.spent_since("XLM", NOW_MS) == Spending(Stroops(800), Stroops(2_500))
    assert await books.outbox.spent_since("XLM", NOW_MS + 2) == Spending(Stroops(0), Stroops(0))


async def test_a_bid_that_the_treasury_cannot_pay_is_not_stored(books: Books) -> None:
    before = await planned_and_sent(books)
    assert before.signed is not None
    bid = replace(before.signed, xdr="BBBB", hash="bump", fee=20_000)
    with pytest.raises(WouldOverdraw):
        await books.outbox.advance(before, replace(before, bumps=(bid,), sent_ms=NOW_MS + 1))
    assert await books.outbox.unfinished("GHOT") == [before]


async def test_what_the_signer_refused_ends_without_an_envelope(books: Books) -> None:
    await books.outbox.plan(settlement())
    dead = replace(settlement(), state=State.DEAD, outcome=Outcome(None, 0, "signer: no"))
    await books.outbox.advance(settlement(), dead)
    assert await books.balances() == UNTOUCHED
    assert await books.outbox.settlement("set_1") == dead


async def test_what_was_paid_of_the_journal_is_told_by_account_and_by_due(books: Books) -> None:
    plan = settlement()
    ana, ben = plan.payments
    carrying = replace(plan, payments=(replace(ana, earned_until=7), ben))
    await books.outbox.plan(carrying)
    assert await books.outbox.carried([ana.account, ben.account, "creator:x:XLM"]) == {
        ana.account: 7,
        ben.account: 0,
    }
    fates = await books.outbox.fates(["ana", "cy"])
    assert {due: (fate.id, fate.state) for due, fate in fates.items()} == {
        "ana": ("pay_1a", "planned")
    }
    await books.outbox.advance(
        carrying, replace(carrying, state=State.DEAD, outcome=Outcome(None, 0, "signer: no"))
    )
    assert await books.outbox.carried([ana.account]) == {}


async def left_to_be_claimed(outbox: Outbox) -> list[Left]:
    """Payouts of 400 to ana and of 300 to ben, who do not take them."""
    plan = settlement(ana=400)
    plan = replace(plan, payments=tuple(replace(p, claimable=True) for p in plan.payments))
    await outbox.plan(plan)
    await outbox.advance(plan, before := signed(plan))
    assert await outbox.left("XLM", LEFT_UNTIL, "", 9) == [], "not applied yet"
    await outbox.advance(before, ended(before, State.APPLIED, 200, ("op_success",) * 2))
    return [Left(p, "GHOT", 7, LEFT_UNTIL, place) for place, p in enumerate(plan.payments)]


async def test_what_is_left_to_be_claimed_is_told_until_it_is_claimed(books: Books) -> None:
    outbox, until = books.outbox, LEFT_UNTIL
    ana, ben = await left_to_be_claimed(outbox)
    assert await outbox.left("XLM", until, "", 9) == [ana, ben]
    assert await outbox.left("XLM", until, "", 1) == [ana]
    assert await outbox.left("XLM", until, "pay_1a", 9) == [ben]
    assert await outbox.left("XLM", until - 1, "", 9) == []
    assert await outbox.left("USD", until, "", 9) == []
    await outbox.note_claimed(["pay_1b"])
    await outbox.note_claimed(["pay_1b"])
    assert await outbox.left("XLM", until, "", 9) == [ana]
    [view] = await outbox.payouts("ben", "XLM", 9)
    assert (view.claimed, view.reclaimed) == (True, False)


async def test_what_is_taken_back_is_its_payees_again_and_nothing_is_set_aside_for_it(
    books: Books,
) -> None:
    outbox, until = books.outbox, LEFT_UNTIL
    ana, ben = await left_to_be_claimed(outbox)
    untouched = await books.balances()
    for number, end in ((2, State.FAILED), (3, State.DEAD), (4, State.APPLIED)):
        back = Payment(
            f"pay_{number}", "ana", "00" * 36, Stroops(400), "creator:ana:XLM", Kind.RECLAIM,
            due="pay_1a",
        )  # fmt: skip
        created_ms = (until + 1) * 1000
        plan = replace(settlement(number), payments=(back,), created_ms=created_ms)
        await outbox.plan(plan)
        assert await outbox.left("XLM", until + 1, "", 9) == [ben], "hers is under way"
        await outbox.advance(plan, before := signed(plan))
        assert await outbox.reclaimed([back.account]) == set()
        await outbox.advance(before, ended(before, end, 0, ("op_x",)))
        if end != State.APPLIED:
            assert await books.balances() == untouched, "nothing was set aside"
            assert await outbox.left("XLM", until, "", 9) == [ben], "hers was tried since then"
            assert await outbox.left("XLM", until + 1, "", 9) == [ana, ben]
    chain = untouched["chain"] - 400
    assert await books.balances() == untouched | {"ana": 500, "chain": chain}
    assert await outbox.left("XLM", until + 1, "", 9) == [ben]
    [view] = await outbox.payouts("ana", "XLM", 9)
    assert (view.claimed, view.reclaimed) == (False, True)
    assert await outbox.totals("ana", "XLM") == (0, 0)
    accounts = ["creator:ana:XLM", "creator:ben:XLM", "creator:x:XLM"]
    assert await outbox.reclaimed(accounts) == {"creator:ana:XLM"}


async def test_whose_money_came_back_is_told_until_a_payment_arrives(books: Books) -> None:
    outbox, accounts = books.outbox, ["creator:ana:XLM", "creator:ben:XLM"]
    await left_to_be_claimed(outbox)
    back = Payment("pay_2", "ana", "00" * 36, Stroops(400), accounts[0], Kind.RECLAIM)
    for number, payment in ((2, back), (3, replace(settlement(3).payments[0], id="pay_3"))):
        told = await outbox.reclaimed(accounts)
        plan = replace(settlement(number), payments=(payment,))
        await outbox.plan(plan)
        await outbox.advance(plan, before := signed(plan))
        assert await outbox.reclaimed(accounts) == told, "nothing arrived yet"
        await outbox.advance(before, ended(before, State.APPLIED, 100, ("op_success",)))
        told = {accounts[0]} if payment.kind == Kind.RECLAIM else set()
        assert await outbox.reclaimed(accounts) == told


async def test_what_was_stored_is_what_is_read(books: Books) -> None:
    before = await planned_and_signed(books)
    assert await books.outbox.unfinished("GHOT") == [before]
    sent = replace(before, state=State.SENT, sent_ms=NOW_MS + 5)
    await books.outbox.advance(before, sent)
    again = replace(sent, sent_ms=NOW_MS + 9)
    await books.outbox.advance(sent, again)
    assert await books.outbox.unfinished("GHOT") == [again]


@pytest.mark.parametrize("state", [State.APPLIED, State.FAILED, State.DEAD])
async def test_who_comes_second_is_told_and_moves_no_money(books: Books, state: State) -> None:
    before = await planned_and_signed(books)
    after = ended(before, state, 0 if state == State.DEAD else 100, ())
    await books.outbox.advance(before, after)
    balances = await books.balances()
    with pytest.raises(MovedOn):
        await books.outbox.advance(before, after)
    with pytest.raises(MovedOn):
        await books.outbox.advance(settlement(), signed(settlement()))
    assert await books.balances() == balances


async def test_a_second_signature_is_never_stored(books: Books) -> None:
    before = await planned_and_signed(books)
    with pytest.raises(MovedOn):
        await books.outbox.advance(settlement(), signed(settlement()))
    assert await books.outbox.unfinished("GHOT") == [before]


async def test_obstacles_are_those_of_the_last_look(books: Books) -> None:
    await books.outbox.note_obstacles(
        "XLM", ["ana", "ben", "cy"], {"ana": "no_address", "ben": "op_no_trust"}
    )
    await books.outbox.note_obstacles("USD", ["ana"], {"ana": "op_line_full"})
    await books.outbox.note_obstacles("XLM", ["ana", "ben"], {"ana": "op_no_destination"})
    assert await books.outbox.obstacle("ana", "XLM") == "op_no_destination"
    assert await books.outbox.obstacle("ben", "XLM") is None
    assert await books.outbox.obstacle("ana", "USD") == "op_line_full"
    await books.outbox.note_obstacles("XLM", ["ana"], {})
    assert await books.outbox.obstacle("ana", "XLM") is None


@pytest.mark.parametrize(
    "change",
    [
        "update payout_batch set envelope_xdr = 'BBBB'",
        "update payout_batch set sequence = sequence + 1",
        "update payout_batch set state = 'planned', envelope_xdr = null, envelope_hash = null,"
        " sequence = null, max_time = null, signed_ledger = null",
        "update payout_batch set fee_max = 1",
        "update payout_batch set state = 'applied'",
        "update payout set amount = amount + 1",
        "update payout set address = 'GMALLORY'",
        "delete from payout",
        "delete from payout_batch",
        "truncate payout, payout_batch",
    ],
)
async def test_the_database_refuses_to_rewrite_what_was_signed(
    postgres: Books, database: Database, change: str
) -> None:
    before = await planned_and_signed(postgres)
    with pytest.raises(PostgresError):
        await database.execute(change)
    assert await postgres.outbox.unfinished("GHOT") == [before]


@pytest.mark.parametrize("final", ["applied", "failed", "dead"])
async def test_the_database_lets_nothing_follow_an_end(database: Database, final: str) -> None:
    await database.execute(
        "insert into payout_batch (id, state, asset, source, fee_max, created_ms, envelope_xdr,"
        " envelope_hash, sequence, max_time, signed_ledger, fee_charged, code, fee_account,"
        " statement, sealed) values ('set_1', $1, 'XLM', 'G', 100, 0, 'A', 'h', 1, 1, 1, 100,"
        " 'tx_success', 'chain:hot:XLM', 2, '')",
        final,
    )
    for state in ("signed", "sent", "applied", "failed", "dead"):
        with pytest.raises(PostgresError):
            await database.execute("update payout_batch set state = $1", state)
