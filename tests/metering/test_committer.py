"""The committer always knows, or says that it does not."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from metering.committer import Committer
from metering.errors import BooksDisagree, MeterUnavailable
from metering.ledger.ledger import WouldOverdraw
from metering.money import Stroops
from metering.session import Allowance, Batch, Session, SessionChange, unstarted
from metering.store import MemoryMeterStore
from metering.tariff import Price
from metering.terms import Terms

OPENED = datetime(2026, 11, 21, tzinfo=UTC)


class Store(MemoryMeterStore):
    """Answers as it is told to, and remembers what it was sent."""

    def __init__(self, answer: Callable[[Batch], Exception | None]) -> None:
        super().__init__()
        self.answer = answer
        self.sent: list[list[str]] = []

    async def commit(self, batch: Batch) -> None:
        self.sent.append(names(batch))
        error = self.answer(batch)
        if error is not None:
            raise error


def names(batch: Batch) -> list[str]:
    return [change.saved.session.id for change in batch.changes]


def change(name: str, viewer: str = "v") -> SessionChange:
    session = Session(name, viewer, "ast", "creator", Terms.of(Price("XLM", 1, 1)), OPENED)
    saved = unstarted(session)._replace(revision=1, posted=90_000, amount=Stroops(1))
    return SessionChange(name, saved, first_tick=0, drawn=0, amount=1, served=())


ROWS = (change("a").row, change("b", "w").row, change("c").row)
BATCH = Batch(ROWS, (Allowance("w", OPENED, 5),))


async def test_a_batch_goes_out_as_a_whole() -> None:
    store = Store(lambda _: None)
    outcome = await Committer(store).commit(BATCH)
    assert (outcome.committed, outcome.refused) == (BATCH, {})
    assert store.sent == [["a", "b", "c"]]


@pytest.mark.parametrize("refusal", [WouldOverdraw("viewer:w:XLM"), BooksDisagree("b")])
async def test_one_wrong_session_does_not_stop_the_others(refusal: Exception) -> None:
    store = Store(lambda batch: refusal if "b" in names(batch) else None)
    outcome = await Committer(store).commit(BATCH)
    assert names(outcome.committed) == ["a", "c"]
    assert outcome.refused == {"b": refusal}
    assert outcome.committed.allowances == ()
    assert store.sent == [["a", "b", "c"], ["a"], ["b"], ["c"]]


async def test_without_an_answer_the_same_batch_is_sent_again() -> None:
    answers = iter([MeterUnavailable("gone"), MeterUnavailable("gone"), None])
    store = Store(lambda _: next(answers))
    committer = Committer(store)
    for attempt in (committer.commit(BATCH), committer.resolve()):
        with pytest.raises(MeterUnavailable):
            await attempt
        assert committer.in_doubt
    assert (await committer.resolve()).committed == BATCH
    assert not committer.in_doubt
    assert store.sent == [["a", "b", "c"]] * 3


async def test_losing_the_store_among_single_commits_leaves_the_whole_batch_in_doubt() -> None:
    lost = iter([True, False, False])

    def answer(batch: Batch) -> Exception | None:
        if len(batch.changes) > 1:
            return WouldOverdraw("viewer:v:XLM")
        if names(batch) == ["b"] and next(lost):
            return MeterUnavailable("gone")
        return None

    store = Store(answer)
    committer = Committer(store)
    with pytest.raises(MeterUnavailable):
        await committer.commit(BATCH)
    outcome = await committer.resolve()
    assert names(outcome.committed) == ["a", "b", "c"]
    assert store.sent.count(["a"]) == 2


async def test_a_store_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(MemoryMeterStore):
        async def commit(self, batch: Batch) -> None:
            await asyncio.get_running_loop().create_future()

    monkeypatch.setattr("metering.committer.INTAKE_COMMIT_MS_MAX", 10)
    committer = Committer(Hanging())
    with pytest.raises(MeterUnavailable, match="too long"):
        await committer.commit(BATCH)
    assert committer.in_doubt
