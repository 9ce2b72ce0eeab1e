"""Who waits for longest is saved first, and those that nobody waits for are not forgotten."""

from datetime import UTC, datetime

from metering.left_alone import LeftAlone
from metering.open_session import OpenSession, Viewer, Wallet
from metering.session import Session, unstarted
from metering.tariff import Price
from metering.terms import Terms
from metering.unsaved import Unsaved

TERMS = Terms.of(Price("XLM", 1, 1))


def kept(name: str, advanced_at: int = 0) -> OpenSession:
    session = Session(name, "v", "ast", "creator", TERMS, datetime(2026, 11, 30, tzinfo=UTC))
    return OpenSession(session, unstarted(session), Wallet(0), Viewer(), None, 0, advanced_at)


def names(found: list[OpenSession]) -> list[str]:
    return [each.session.id for each in found]


def unsaved_of(awaited: str, others: str) -> Unsaved:
    """Others wait since 0, 1, 2 and so on."""
    unsaved = Unsaved()
    for since, name in enumerate(others):
        unsaved.note(kept(name), since)
    for name in awaited:
        unsaved.await_(kept(name))
    return unsaved


def test_half_of_the_room_is_for_those_that_somebody_waits_for_and_none_is_left_empty() -> None:
    def picked(limit: int, awaited: str = "abc", others: str = "wxyz") -> str:
        return "".join(names(unsaved_of(awaited, others).next(limit, None)))

    assert [picked(limit) for limit in (0, 3, 6, 9)] == ["", "abw", "abcwxy", "abcwxyz"]
    assert picked(3, awaited="") == "wxy"
    assert picked(3, others="w") == "abw"
    assert picked(3, awaited="abcd", others="") == "abc"


def test_who_did_not_fit_is_in_the_next_batch() -> None:
    unsaved = unsaved_of(awaited="abcde", others="w")
    assert [names(unsaved.next(3, None)) for _ in range(3)] == [[*"abw"], [*"cdw"], [*"ew"]]


def test_what_has_time_is_left_until_then() -> None:
    unsaved = unsaved_of(awaited="a", others="wxyz")
    assert names(unsaved.next(9, 1)) == ["a", "w", "x"]
    assert names(unsaved.next(9, -1)) == []


def test_a_session_is_in_one_line_only_and_stays_until_it_is_saved() -> None:
    unsaved, one = Unsaved(), kept("a")
    unsaved.note(one, 0)
    unsaved.await_(one)
    unsaved.note(one, 0)
    assert names(unsaved.next(9, None)) == ["a"]
    assert not unsaved
    one.awaited = False  # as whoever saves it says
    unsaved.await_(one)
    unsaved.forget(one)
    assert (not unsaved, one.awaited) == (True, False)
    other = kept("b")
    unsaved.note(other, 0)
    assert names(unsaved.next(9, None)) == names(unsaved.next(9, None)) == ["b"]
    unsaved.are_saved(["a", "b"])
    assert not unsaved
    unsaved.await_(kept("c"))
    unsaved.clear()
    assert not unsaved


def test_who_asked_meanwhile_is_not_taken_for_left_alone() -> None:
    line, one, other, third = LeftAlone(), kept("a", 0), kept("b", 100), kept("c", 900)
    for each in (one, other, third):
        line.add(each)
    assert line.take(-1, 9) == []
    one.advanced_at = 500  # it asked for something
    assert names(line.take(400, 9)) == ["b"]
    assert line.take(400, 9) == []
    assert names(line.take(950, 1)) == ["a"]
    assert names(line.take(950, 9)) == ["c"]
    line.add(one)
    line.clear()
    assert line.take(10**9, 9) == []
