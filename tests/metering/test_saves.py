"""Who waits for the store is counted, and gets one answer, of whatever kind that is."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from config.clock import ManualClock
from metering.book import Book
from metering.errands import Errands
from metering.errors import (
    InsufficientFunds,
    MeteredElsewhere,
    MeterUnavailable,
    SessionClosed,
)
from metering.ledger.ledger import WouldOverdraw
from metering.outage import OutageCredit, OutageRules
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.saves import Saves
from metering.session import Batch, Session, unstarted
from metering.store import MemoryMeterStore
from metering.tariff import Price
from metering.terms import Terms
from metering.waiting import Saved
from tests.metering.test_waiting import turn

SEGMENT = 2 * UNITS_PER_SECOND


class Store(MemoryMeterStore):
    """Commits nothing; what it says is the test's."""

    def __init__(self, answer: Callable[[Batch], Exception | None]) -> None:
        super().__init__()
        self.answer = answer
        self.sent: list[list[str]] = []

    async def commit(self, batch: Batch) -> None:
        self.sent.append(batch.session_ids)
        if (error := self.answer(batch)) is not None:
            raise error


class Room:
    """Three sessions that somebody has asked for a segment of, and who waits for it."""

    def __init__(self, answer: Callable[[Batch], Exception | None], seconds: int = 0) -> None:
        clock = ManualClock()
        self.book = Book(MeterRules(), 0)
        self.store = Store(answer)
        credit = OutageCredit(OutageRules(seconds), self.book)
        self.saves = Saves(
            self.store, clock, self.book, Errands(self.store, self.book, clock), credit
        )
        terms, at = Terms.of(Price("XLM", 1, 1)), datetime(2026, 11, 30, tzinfo=UTC)
        for name in "abc":
            session = Session(name, f"v_{name}", "ast", "creator", terms, at)
            self.book.add(unstarted(session), 1_000, None, 0)
        self.first = {name: self.ask(name, 0) for name in "abc"}

    def ask(self, name: str, number: int) -> Saved:
        kept, saved = self.book[name], Saved()
        self.book.request(name, (number, number * SEGMENT, (number + 1) * SEGMENT, 0), 0)
        self.saves.add(kept, saved)
        return saved


async def test_everybody_in_a_batch_is_answered_a_turn_after_the_store() -> None:
    room = Room(lambda _: None)
    again = room.ask("a", 0)  # a copy, which waits for the same
    assert room.saves.waiting == 4
    await room.saves.commit()
    assert room.saves.waiting == 0
    assert not room.first["a"].done()
    await turn()
    assert [each.result() for each in (*room.first.values(), again)] == [None] * 4


async def test_who_asks_meanwhile_waits_for_the_next_batch_if_there_is_something_new_in_it() -> (
    None
):
    meanwhile: list[Saved] = []

    def ask(_: Batch) -> None:
        if not meanwhile:
            meanwhile.extend([room.ask("a", 0), room.ask("b", 1)])

    room = Room(ask)
    await room.saves.commit()
    await turn()
    assert ([each.done() for each in meanwhile], room.saves.waiting) == ([True, False], 1)
    await room.saves.commit()
    await turn()
    assert (meanwhile[1].done(), room.saves.waiting) == (True, 0)
    assert room.store.sent == [["a", "b", "c"], ["b"]]


async def test_one_that_is_refused_is_told_also_what_it_asked_for_meanwhile() -> None:
    meanwhile: list[Saved] = []

    def refuse(batch: Batch) -> Exception | None:
        if not meanwhile:
            meanwhile.append(room.ask("b", 1))
        return (
            WouldOverdraw(room.book.session("b").viewer_account)
            if "b" in batch.session_ids
            else None
        )

    room = Room(refuse)
    await room.saves.commit()
    await turn()
    assert [type(each.exception()) for each in (room.first["b"], *meanwhile)] == [
        InsufficientFunds
    ] * 2
    assert room.first["a"].result() is room.first["c"].result() is None
    assert (room.saves.waiting, room.book.wallets.available("viewer:v_b:XLM")) == (0, 0)


async def test_the_end_of_a_session_is_a_summary_for_whoever_asked_for_it() -> None:
    room = Room(lambda _: None)
    ended = Saved()
    room.book.close("a", 0)
    room.saves.add_for_end(room.book["a"], ended)
    await room.saves.commit()
    await turn()
    summary = ended.result()
    assert summary is not None
    assert summary.session_id == "a"
    assert isinstance(room.first["a"].exception(), SessionClosed)
    assert ("a" in room.book, room.saves.waiting) == (False, 0)


async def test_while_the_store_is_silent_who_has_credit_goes_on_and_others_are_refused() -> None:
    room = Room(lambda _: MeterUnavailable("gone"), seconds=2)
    later = room.ask("b", 1)  # four seconds are too much
    with pytest.raises(MeterUnavailable):
        await room.saves.commit()
    assert (room.saves.in_doubt, room.saves.waiting) == (True, 4)
    room.saves.lend()
    assert (room.saves.waiting, room.first["a"].done(), later.done()) == (2, True, False)
    room.saves.refuse(MeteredElsewhere())
    assert isinstance(later.exception(), MeteredElsewhere)
    assert room.saves.waiting == 0
    room.store.answer = lambda _: None
    await room.saves.commit()
    assert (room.saves.in_doubt, room.book.has_changes) == (False, False)
