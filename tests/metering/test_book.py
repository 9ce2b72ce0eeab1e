"""The book decides at once and forgets nothing that is not saved."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.limits import SESSION_LOOKING_MS_MAX, SESSION_WAITING_MS_MAX
from metering.book import Book
from metering.decision import Decision, Pace, Serve, ShortOfFunds
from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.session import Allowance, SavedSession, Session, unstarted
from metering.tariff import Price
from metering.terms import Terms

OPENED = datetime(2026, 11, 21, tzinfo=UTC)
PRICE = Price("XLM", 100, 1)
SEGMENT = 2 * UNITS_PER_SECOND
OFFSET = 1_800_000_000_000
V = "viewer:v:XLM"


def session(name: str, viewer: str = "v", asset_id: str = "ast_1") -> Session:
    return Session(name, viewer, asset_id, "creator", Terms.of(PRICE), OPENED)


def new(made: Session) -> SavedSession:
    return unstarted(made)


def book_of(*names: str, balance: int = 10_000, rules: MeterRules | None = None) -> Book:
    book = Book(rules or MeterRules(), OFFSET)
    for name in names:
        book.add(new(session(name)), balance, None, 0)
    return book


def ask(book: Book, name: str, i: int, now: int = 0) -> tuple[int, Decision]:
    return book.request(name, (i, i * SEGMENT, (i + 1) * SEGMENT, 0), now)


def play(book: Book, name: str, i: int, now: int = 0) -> None:
    ticket, decision = ask(book, name, i, now)
    assert isinstance(decision, Serve), decision
    book.finish(name, ticket, complete=True, now=now)


def leave(book: Book, name: str, i: int) -> None:
    ticket, _ = ask(book, name, i)
    book.finish(name, ticket, complete=False, now=0, taken=999)


def save(book: Book, limit: int = 100, until: int | None = None) -> list[str]:
    batch = book.changes(limit, until)
    book.committed(batch)
    return [change.saved.session.id for change in batch.changes]


def test_two_sessions_of_a_viewer_spend_the_same_money() -> None:
    book = book_of("a", "b", balance=300)
    play(book, "a", 0)
    assert book.wallets.available(V) == 100
    assert ask(book, "b", 0)[1] == ShortOfFunds(Stroops(200))
    book.close("a", 0)
    assert (book.wallets.available(V), book.wallets.held(V)) == (100, 0)


def test_what_was_saved_is_not_saved_again() -> None:
    book = book_of("a")
    assert not book.has_changes
    play(book, "a", 0)
    assert book.owes("a")
    assert save(book) == ["a"]
    assert not book.owes("a")
    assert not book.has_changes
    assert book.changes(100).changes == ()


def test_what_is_decided_during_a_commit_is_left_for_the_next() -> None:
    book = book_of("a")
    play(book, "a", 0)
    batch = book.changes(100)
    play(book, "a", 1)
    book.committed(batch)
    (rest,) = book.changes(100).changes
    assert [served.sequence for served in rest.served] == [1]
    assert rest.done.drawn == 200
    assert rest.saved.revision == 2


def test_those_that_wait_for_longest_are_saved_first() -> None:
    book = book_of("a", "b", "c")
    for name in ("c", "a", "b"):
        play(book, name, 0)
    assert save(book, limit=2) == ["c", "a"]
    assert save(book, limit=2) == ["b"]


def test_what_nobody_waits_for_is_left_until_it_is_due() -> None:
    book = book_of("a", "b", "c")
    for name, now in (("a", 100), ("b", 200)):
        file = (0, 0, SEGMENT, 0)
        assert book.request_at_once(name, file, now, prompt=True) is not None
    play(book, "c", 0, now=300)
    assert save(book, until=99) == ["c"]
    assert save(book, until=100) == ["a"]
    assert book.has_changes
    assert save(book) == ["b"]


def test_who_is_waited_for_does_not_stand_behind_those_that_have_time() -> None:
    book = book_of("a", "b", "c", "d")
    for name in ("a", "b", "c"):
        assert book.request_at_once(name, (0, 0, SEGMENT, 0), 0, prompt=True)
    play(book, "d", 0)
    assert save(book, limit=2) == ["d", "a"]
    assert not book.awaited
    assert save(book, limit=2) == ["b", "c"]


def test_an_aborted_body_gives_the_money_back() -> None:
    book = book_of("a")
    ticket, _ = ask(book, "a", 0)
    save(book)
    book.finish("a", ticket, complete=False, now=0)
    (change,) = book.changes(100).changes
    assert (change.done.drawn, book.wallets.available(V)) == (-200, 10_000)


def test_a_hold_that_was_taken_back_before_a_commit_leaves_only_the_note() -> None:
    book = book_of("a")
    ticket, _ = ask(book, "a", 0)
    book.finish("a", ticket, complete=False, now=0)
    (change,) = book.changes(100).changes
    assert change.done.drawn == 0
    assert len(change.served) == 1


def test_sessions_left_alone_are_swept_the_oldest_first() -> None:
    book = book_of("a", "b", "c")
    for now, name in enumerate("abc"):
        play(book, name, 0, now * 400)
        save(book)
    assert book.sweep(1_300, quiet_ms=1_000, idle_ms=10**6, limit=100) == []
    assert save(book) == ["a"]
    book.sweep(5_000, quiet_ms=1_000, idle_ms=10**6, limit=1)
    assert save(book) == ["b"]
    book.sweep(5_000, quiet_ms=1_000, idle_ms=10**6, limit=5)
    assert save(book) == ["c"]


def test_a_sweep_spares_who_waits_for_a_live_that_is_interrupted_but_not_for_ever() -> None:
    book = book_of("a")
    play(book, "a", 0, now=0)
    left = book.wallets.available(V)
    for now in range(60_000, SESSION_WAITING_MS_MAX, 60_000):
        book.look("a", now)
        assert book.sweep(now, quiet_ms=0, idle_ms=60_000, limit=9) == []
    assert book.wallets.available(V) == left
    book.look("a", SESSION_WAITING_MS_MAX)
    assert book.sweep(SESSION_WAITING_MS_MAX, quiet_ms=0, idle_ms=60_000, limit=9) == ["a"]


def test_a_sweep_ends_who_no_longer_looks() -> None:
    book = book_of("a")
    play(book, "a", 0, now=0)
    book.look("a", 1_000)
    gone = 1_000 + SESSION_LOOKING_MS_MAX
    assert book.sweep(gone - 1, quiet_ms=0, idle_ms=60_000, limit=9) == []
    assert book.sweep(gone, quiet_ms=0, idle_ms=60_000, limit=9) == ["a"]


def test_a_sweep_ends_idle_sessions() -> None:
    book = book_of("a")
    play(book, "a", 0, now=1_000)
    assert book.sweep(60_999, quiet_ms=0, idle_ms=60_000, limit=9) == []
    assert book.sweep(61_000, quiet_ms=0, idle_ms=60_000, limit=9) == ["a"]
    assert not book.is_open("a")
    (summary,) = book.committed(book.changes(9))
    assert summary.closed_at == datetime.fromtimestamp(1_800_000_061, UTC)
    assert "a" not in book


def test_the_last_session_takes_the_wallet_with_it() -> None:
    book = book_of("a", "b")
    for name in ("a", "b"):
        assert V in book.wallets
        assert "v" in book.viewers
        book.close(name, 0)
        book.close(name, 0)
        save(book)
    assert V not in book.wallets
    assert "v" not in book.viewers
    assert len(book) == 0
    assert book.watching("ast_1", 0) == 0
    book.finish("a", 1, complete=True, now=0)


def test_who_watches_is_who_asked_lately() -> None:
    book = book_of("a", "b")
    book.add(new(session("c", "w", "ast_2")), 1_000, None, 0)
    ask(book, "b", 0, now=5_000)
    assert book.watching("ast_1", since=0) == 2
    assert book.watching("ast_1", since=5_000) == 1
    assert book.watching("ast_3", since=0) == 0


def test_a_balance_from_the_store_counts_what_is_not_saved() -> None:
    book = book_of("a", "b")
    play(book, "a", 0)
    save(book)
    play(book, "b", 0)
    book.wallets.set_balance(V, 5_000)
    assert book.wallets.available(V) == 4_800


def test_a_session_that_is_rolled_back_is_as_it_was_saved() -> None:
    book = book_of("a", "b")
    play(book, "a", 0)
    ticket, _ = ask(book, "a", 1)
    save(book)
    play(book, "a", 2, now=1_500)
    play(book, "b", 0)
    book.close("a", 2_000)
    book.roll_back("a", 2_000)
    assert book.is_open("a")
    # The saved body in flight is void: 200 of the 400 that were saved as held.
    assert book.wallets.available(V) == 10_000 - 200 - 200
    change = next(c for c in book.changes(9).changes if c.saved.session.id == "a")
    assert (change.done.drawn, change.served) == (-200, ())
    book.finish("a", ticket, complete=True, now=3_000)
    assert book.wallets.available(V) == 10_000 - 200 - 200


def test_what_was_left_and_arrived_after_all_is_left_again_when_that_is_rolled_back() -> None:
    """Or the same budget would be had twice (simulated histories 1000967 and 1001527)."""
    book = book_of("a", rules=MeterRules(void_units_max=SEGMENT))
    leave(book, "a", 0)
    save(book)
    play(book, "a", 0)
    book.roll_back("a", 0)
    leave(book, "a", 1)
    (change,) = book.changes(9).changes
    assert change.saved.totals.ticks == 2


def test_a_session_rolled_back_before_its_first_commit_begins_anew() -> None:
    book = book_of("a")
    play(book, "a", 0)
    book.roll_back("a", 0)
    assert not book.has_changes
    assert book.wallets.available(V) == 10_000


def test_a_forgotten_session_gives_back_what_was_not_saved() -> None:
    book = book_of("a", "b")
    play(book, "a", 0)
    save(book)
    play(book, "a", 1)
    book.forget("a")
    assert book.wallets.available(V) == 9_800
    assert not book.has_changes


def test_the_void_budget_is_saved_and_taken_up_again() -> None:
    rules = MeterRules(void_units_max=3 * UNITS_PER_SECOND)
    book = book_of("a", rules=rules)
    play(book, "a", 0)
    save(book)
    assert book.changes(9).allowances == ()
    ask(book, "a", 500, now=2_000)
    play(book, "a", 501, now=2_000)
    play(book, "a", 502, now=2_000)
    ask(book, "a", 900, now=2_000)
    batch = book.changes(9)
    start = datetime.fromtimestamp(1_800_000_002, UTC)
    assert batch.allowances == (Allowance("v", start, 2 * UNITS_PER_SECOND),)
    book.committed(batch)
    assert book.changes(9).allowances == ()

    later = Book(rules, OFFSET + 1_000)
    later.add(new(session("b")), 10_000, batch.allowances[0], 3_000)
    for i in range(3):
        play(later, "b", i, now=3_000)
    later.close("b", 3_000)
    (change,) = later.changes(9).changes
    # Six seconds were delivered, two had time to play, one could be left, three are charged.
    assert change.done.last_tick == 5


def test_a_paced_request_changes_nothing_but_time() -> None:
    book = book_of("a")
    for i in range(5):
        play(book, "a", i)
    save(book)
    assert isinstance(ask(book, "a", 5)[1], Pace)
    assert not book.has_changes


class Run:
    """Four sessions of two viewers, a tiny store next to the book, and crashes."""

    def __init__(self, balance: int) -> None:
        self.balance = balance
        self.now = 0
        viewers = {"a": "v", "b": "v", "c": "w", "d": "w"}
        self.durable = {name: new(session(name, viewer)) for name, viewer in viewers.items()}
        self.names = list(viewers)
        self.place = dict.fromkeys(viewers, 0)
        self.tickets: list[tuple[str, int]] = []
        self.crash(0)

    def left(self, viewer: str) -> int:
        mine = [each for each in self.durable.values() if each.session.viewer == viewer]
        return self.balance - sum(each.totals.drawn for each in mine)

    def ask(self, i: int) -> None:
        name = self.names[i]
        ticket, decision = ask(self.book, name, self.place[name], self.now)
        if isinstance(decision, Serve):
            self.place[name] += 1
            self.tickets.append((name, ticket))

    def prompt(self, i: int) -> None:
        name, place = self.names[i], self.place[self.names[i]]
        file = (place, place * SEGMENT, (place + 1) * SEGMENT, 0)
        ticket = self.book.request_at_once(name, file, self.now, prompt=True)
        if ticket is not None:
            self.place[name] += 1
            self.tickets.append((name, ticket))

    def jump(self, i: int) -> None:
        self.place[self.names[i]] += 70
        self.ask(i)

    def done(self, i: int, complete: bool = True) -> None:
        if self.tickets:
            name, ticket = self.tickets.pop(i % len(self.tickets))
            self.book.finish(name, ticket, complete=complete, now=self.now)

    def abort(self, i: int) -> None:
        self.done(i, complete=False)

    def sweep(self, i: int) -> None:
        self.book.sweep(self.now, quiet_ms=0, idle_ms=10**9, limit=i)

    def save(self, i: int) -> None:
        batch = self.book.changes(i)
        for change in batch.changes:
            saved, before = change.saved, self.durable[change.saved.session.id]
            assert saved.revision == before.revision + 1
            assert change.done.first_tick == before.totals.ticks
            assert saved.totals.drawn >= saved.amount
            self.durable[saved.session.id] = saved
        self.book.committed(batch)

    def refuse(self, i: int) -> None:
        self.book.roll_back(self.names[i], self.now)

    def crash(self, i: int) -> None:
        self.book = Book(MeterRules(), OFFSET)
        for each in self.durable.values():
            self.book.add(each, self.left(each.session.viewer), None, self.now)

    def check(self) -> None:
        for viewer in ("v", "w"):
            account = f"viewer:{viewer}:XLM"
            assert self.left(viewer) >= 0
            assert self.book.wallets.available(account) >= 0
            assert self.book.wallets.held(account) >= 0


_ACTIONS = [
    "ask",
    "ask",
    "ask",
    "prompt",
    "prompt",
    "jump",
    "done",
    "done",
    "abort",
    "sweep",
    "save",
    "refuse",
    "crash",
]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(_ACTIONS), st.integers(0, 3), st.sampled_from([0, 300, 25_000])),
        max_size=60,
    ),
    st.integers(0, 3_000),
)
def test_money_is_neither_made_nor_lost_whatever_happens(
    steps: list[tuple[str, int, int]], balance: int
) -> None:
    run = Run(balance)
    for what, i, passing in steps:
        run.now += passing
        getattr(run, what)(i)
        run.check()


def test_reading_what_is_not_there_is_an_error_of_ours() -> None:
    with pytest.raises(KeyError):
        book_of("a").summary("b")


def test_sessions_of_an_asset_share_what_is_alike_in_memory_and_nothing_else() -> None:
    book = book_of("a")
    other = session("b", viewer="w")
    book.add(new(other), 100, None, 0)
    dear = replace(session("c"), terms=Terms.of(Price("XLM", 101, 1)))
    book.add(new(dear), 100, None, 0)
    assert book.session("b") == other
    assert book.session("b").terms is book.session("a").terms
    assert book.session("c").terms == dear.terms
