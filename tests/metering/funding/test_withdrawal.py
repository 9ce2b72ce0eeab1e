"""What a withdrawal is at each moment is told by its payments, and only its payee's own fault ends
it unpaid."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from metering.funding.withdrawal import (
    BadMemo,
    MemoryWithdrawals,
    Progress,
    Withdrawal,
    memo_of,
    viewed,
)
from metering.funding.withdrawal_source import WithdrawalSource
from metering.ledger.ledger import Transfer, hot_account, treasury_account, viewer_account
from metering.ledger.ledger_memory import MemoryLedger
from metering.money import Stroops
from metering.settlement.outbox import (
    Kind,
    Outcome,
    Payment,
    Settlement,
    SignedEnvelope,
    State,
)
from metering.settlement.outbox_memory import MemoryOutbox
from metering.settlement.source import Due
from tests.metering.funding.payments import CHANNEL, WALLET, XLM, address

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ANA = viewer_account("acc_ana", "XLM")
EXCHANGE = address("exchange")


class World:
    """Ana has 10 XLM, and what she takes out is paid by hand."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.outbox = MemoryOutbox(self.ledger)
        self.store = MemoryWithdrawals(self.ledger)
        self.source = WithdrawalSource(self.store, self.outbox)
        self._settled = 0

    async def fill(self) -> None:
        hot, treasury = hot_account("XLM"), treasury_account("XLM")
        await self.ledger.open_accounts([hot, treasury, ANA])
        for account in (ANA, treasury):
            amount = Stroops(10 * XLM)
            fill = Transfer(account.id, hot.id, account.id, amount, "XLM", "deposit")
            await self.ledger.post([fill])

    async def wish(self, id_: str, amount: int, to: str = WALLET, memo: str | None = None) -> None:
        wanted = Withdrawal(id_, "acc_ana", ANA.id, "XLM", Stroops(amount), to, NOW, memo)
        await self.store.request(wanted)

    async def plan(self, dues: list[Due]) -> Settlement:
        self._settled += 1
        payments = tuple(
            Payment(
                f"pay_{self._settled}{place}",
                due.owner,
                due.address or "",
                due.amount,
                account=due.account,
                kind=due.kind,
                due=due.id,
                memo=due.memo,
            )
            for place, due in enumerate(dues)
        )
        settlement = Settlement(f"set_{self._settled}", "XLM", CHANNEL, 100, payments, 0)
        await self.outbox.plan(settlement)
        return settlement

    async def end(self, settlement: Settlement, state: State, code: str) -> None:
        hash_ = settlement.id
        signed = replace(
            settlement,
            state=State.SIGNED,
            signed=SignedEnvelope("xdr", hash_, CHANNEL, 1, 60, 100, 1),
        )
        await self.outbox.advance(settlement, signed)
        outcome = Outcome(7, 100, "tx", (code,) * len(settlement.payments))
        await self.outbox.advance(signed, replace(signed, state=state, outcome=outcome))

    async def progress(self, id_: str) -> tuple[Progress, str | None]:
        withdrawal = await self.store.get(id_)
        assert withdrawal is not None
        view = viewed(withdrawal, await self.outbox.fates([id_]))
        return view.progress, view.transaction

    async def has(self, account: str) -> int:
        return await self.ledger.balance(account)


@pytest.fixture
async def world() -> World:
    world = World()
    await world.fill()
    return world


async def test_a_withdrawal_is_paid_once_and_then_not_due_any_more(world: World) -> None:
    await world.wish("wdr_1", 4 * XLM, EXCHANGE, memo_of("123456"))
    await world.wish("wdr_2", 6 * XLM)
    assert await world.has(ANA.id) == 0
    assert await world.progress("wdr_1") == (Progress.REQUESTED, None)
    first, second = await world.source.due("XLM", 100)
    assert first == Due(
        id="wdr_1",
        owner="acc_ana",
        account="inflight:wdr_1",
        address=EXCHANGE,
        amount=Stroops(4 * XLM),
        kind=Kind.WITHDRAWAL,
        memo="id:123456",
    )
    settlement = await world.plan([first])
    assert await world.source.due("XLM", 100) == [second]
    assert await world.progress("wdr_1") == (Progress.IN_FLIGHT, None)
    await world.end(settlement, State.APPLIED, "op_success")
    assert await world.progress("wdr_1") == (Progress.PAID, "set_1")
    assert await world.source.due("XLM", 100) == [second]
    assert await world.source.due("XLM", 1) == [second], "what is paid stands in nobody's way"
    assert await world.has("chain:hot:XLM") == -16 * XLM + 100
    assert (await world.ledger.check()).sound


async def test_what_comes_back_by_no_fault_of_the_payee_is_due_again(world: World) -> None:
    await world.wish("wdr_1", 4 * XLM)
    await world.end(await world.plan(await world.source.due("XLM", 100)), State.DEAD, "expired")
    assert await world.progress("wdr_1") == (Progress.REQUESTED, None)
    [due] = await world.source.due("XLM", 100)
    await world.end(await world.plan([due]), State.APPLIED, "op_success")
    assert await world.progress("wdr_1") == (Progress.PAID, "set_2")
    assert await world.has("inflight:wdr_1") == 0


async def test_what_the_payees_account_refuses_is_the_viewers_again(world: World) -> None:
    await world.wish("wdr_1", 4 * XLM)
    settlement = await world.plan(await world.source.due("XLM", 100))
    await world.end(settlement, State.FAILED, "op_no_destination")
    for _ in range(2):
        await world.source.refused("wdr_1", "op_no_destination")
    assert await world.progress("wdr_1") == (Progress.REFUSED, None)
    assert await world.has(ANA.id) == 10 * XLM
    assert await world.source.due("XLM", 100) == []


@pytest.mark.parametrize(
    ("text", "memo"),
    [("0", "id:0"), (str(2**64 - 1), f"id:{2**64 - 1}"), ("Für Ana", "text:Für Ana"),
     (str(2**64), f"text:{2**64}"), ("007", "text:007")],
)  # fmt: skip
def test_digits_are_a_number_and_anything_else_a_text(text: str, memo: str) -> None:
    assert memo_of(text) == memo


def test_who_says_which_it_is_gets_that_or_nothing() -> None:
    assert memo_of("7", "text") == "text:7"
    assert memo_of("7", "id") == "id:7"
    with pytest.raises(BadMemo):
        memo_of("007", "id")


@pytest.mark.parametrize("text", ["", "ü" * 15, "x" * 29, "two\nlines", "\u202e"])
def test_what_no_transaction_can_carry_is_no_memo(text: str) -> None:
    with pytest.raises(BadMemo):
        memo_of(text)
