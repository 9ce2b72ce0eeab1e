"""Creators are due what they earned since they were paid last."""

from metering.ledger.ledger import Account, Transfer, hot_account
from metering.ledger.ledger_memory import MemoryLedger
from metering.money import Stroops
from metering.settlement.creators import Creators
from metering.settlement.outbox import Payment, Settlement
from metering.settlement.outbox_memory import MemoryOutbox


class Everywhere:
    """Everybody has an address."""

    async def address(self, creator: str) -> str | None:
        return f"G{creator}"


async def earn(ledger: MemoryLedger, account: str, amount: int, asset: str = "XLM") -> int:
    """Returns the place of it in the journal."""
    hot = hot_account(asset)
    await ledger.open_accounts([hot, Account(account, asset)])
    place = len(ledger.lines(0)) + 1
    await ledger.post([Transfer(f"t{place}", hot.id, account, Stroops(amount), asset, "post")])
    return place


async def test_with_the_minimum_and_in_the_asset_they_are_due() -> None:
    ledger = MemoryLedger()
    for account, amount in (
        ("creator:ana:XLM", 100),
        ("creator:ben:XLM", 99),
        ("creator:with:colon:XLM", 500),
        ("creators:dan:XLM", 500),
        ("viewer:eve:XLM", 500),
    ):
        await earn(ledger, account, amount)
    await earn(ledger, "creator:cy:USDC", 500, "USDC")
    creators = Creators(ledger, MemoryOutbox(ledger), Everywhere(), Stroops(100))
    due = await creators.due("XLM", 10)
    assert {each.id: each.amount for each in due} == {"ana": 100, "with:colon": 500}
    assert [each.address for each in due] == ["Gana", "Gwith:colon"]
    assert [each.id for each in await creators.due("USDC", 10)] == ["cy"]


async def test_what_they_are_paid_begins_behind_what_they_were_paid() -> None:
    ledger = MemoryLedger()
    outbox = MemoryOutbox(ledger)
    creators = Creators(ledger, outbox, Everywhere(), Stroops(1))
    first = await earn(ledger, "creator:ana:XLM", 100)
    await ledger.open_accounts([Account("treasury:XLM", "XLM")])
    await earn(ledger, "treasury:XLM", 100)
    [due] = await creators.due("XLM", 10)
    assert (due.earned_after, due.earned_until) == (0, first)
    paid = Payment(
        "pay_1", "ana", "Gana", due.amount, due.account, due="ana", earned_until=due.earned_until
    )
    await outbox.plan(Settlement("set_1", "XLM", "GHOT", 100, (paid,), 0))
    assert await creators.due("XLM", 10) == []
    second = await earn(ledger, "creator:ana:XLM", 7)
    [due] = await creators.due("XLM", 10)
    assert (due.amount, due.earned_after, due.earned_until) == (7, first, second)


async def test_of_too_many_everybody_has_a_turn() -> None:
    ledger = MemoryLedger()
    for number in range(5):
        await earn(ledger, f"creator:c{number}:XLM", 5)
    creators = Creators(ledger, MemoryOutbox(ledger), Everywhere(), Stroops(1))
    turns = [[each.id for each in await creators.due("XLM", 2)] for _ in range(3)]
    assert turns == [["c0", "c1"], ["c2", "c3"], ["c4", "c0"]]
