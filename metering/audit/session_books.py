"""One session against the rules I3 to I7: what is recorded of it, and what that has to come to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from metering.meter_state import MeterState
from metering.rules import UNITS_PER_MS, UNITS_PER_SECOND, MeterRules
from metering.terms import Terms


class Run(NamedTuple):
    """A row of `tick_run`: ticks [first, last) under an epoch cost `amount` together."""

    session_id: str
    revision: int
    epoch: int
    first: int
    last: int
    amount: int


@dataclass(frozen=True, slots=True)
class SessionBooks:
    """What is recorded of a session.

    Attributes:
        terms: its last ones; None when their epoch is not there.
        rungs: seconds that were charged at each rung.
        held: what its hold account has; None when there is no such account.
        transferred: what its hold account was charged; None when that cannot be told any more.
        promised: units of media that it was promised, each once.
    """

    id: str
    terms: Terms | None
    posted: int
    ticks: int
    rungs: tuple[int, ...]
    drawn: int
    amount: int
    is_closed: bool
    state: MeterState | None
    held: int | None
    transferred: int | None
    promised: int


class Runs:
    """Takes in the runs of one session in their order, and says what is wrong with them."""

    def __init__(self, terms_of: Callable[[Run, int], Terms | None]) -> None:
        """`terms_of` are the terms of the epoch that begins with a run, when so much was charged
        before; None when they do not tell what a run costs.
        """
        self._terms_of = terms_of
        self._terms: Terms | None = None
        self._epoch: int | None = None
        self.ticks = 0
        self.amount = 0

    def add(self, run: Run) -> tuple[str, str]:
        """What is wrong with the order of this run, and with its price; empty when nothing is."""
        order = price = ""
        if run.first != self.ticks:
            order = f"{run.session_id}: tick {self.ticks} is due, and a run begins with {run.first}"
        if run.epoch != self._epoch:
            self._epoch = run.epoch
            self._terms = self._terms_of(run, self.amount)
        due = None if self._terms is None else self._terms.cost(run.last) - self.amount
        if due is not None and run.amount != due:
            which = f"ticks {run.first} to {run.last - 1}"
            price = f"{run.session_id}: {which} were charged {run.amount}, {due} is due"
        self.ticks = run.last
        self.amount += run.amount
        return order, price


def order_violations(books: SessionBooks, runs: Runs) -> Iterator[str]:
    """I3: ticks are 0 to K-1."""
    if runs.ticks != books.ticks or books.posted // UNITS_PER_SECOND != books.ticks:
        yield (
            f"{books.id}: runs have {runs.ticks} ticks, the session has {books.ticks} "
            f"and posted {books.posted // UNITS_PER_SECOND} seconds"
        )


def amount_violations(books: SessionBooks, runs: Runs) -> Iterator[str]:
    """I4: what was charged is what its runs, its transfers and its tariff come to."""
    if runs.amount != books.amount:
        yield f"{books.id}: its ticks cost {runs.amount}, it was charged {books.amount}"
    if books.transferred is not None and books.transferred != books.amount:
        yield f"{books.id}: {books.transferred} was transferred, it was charged {books.amount}"
    if books.terms is None:
        yield f"{books.id}: its tariff is not there"
    elif (due := books.terms.cost(books.ticks, books.rungs)) != books.amount:
        yield f"{books.id}: {due} is due for {books.ticks} ticks, it was charged {books.amount}"


def delivery_violations(books: SessionBooks) -> Iterator[str]:
    """I5: posted <= delivered, and <= what was promised."""
    if books.posted > books.promised:
        yield f"{books.id}: {books.posted} units were charged, {books.promised} were promised"
    if books.state is not None and books.posted > books.state.delivered:
        yield f"{books.id}: {books.posted} units were charged, {books.state.delivered} delivered"


def presence_violations(books: SessionBooks, rules: MeterRules) -> Iterator[str]:
    """I6: posted <= startup + speed x presence + forced."""
    if books.state is None:
        return
    speed, per = rules.speed
    watched = books.state.presence_ms * UNITS_PER_MS * speed // per
    allowed = rules.startup_units + watched + books.state.forced
    if books.posted > allowed:
        yield f"{books.id}: {books.posted} units were charged, {allowed} could be watched"


def hold_violations(books: SessionBooks) -> Iterator[str]:
    """I7: the hold account has just what pending media cost; of a closed session nothing."""
    due = books.drawn - books.amount
    if books.held != due:
        yield f"{books.id}: its hold account has {books.held}, {due} is drawn and not charged"
    elif books.is_closed and due:
        yield f"{books.id}: is closed, and still holds {due}"
    elif books.state is not None and books.terms is not None and not books.terms.tariff.rungs:
        pending = sum(hi - lo for lo, hi, _ in books.state.pending)
        seconds = (books.posted + pending) // UNITS_PER_SECOND
        if (cost := books.terms.cost(seconds) - books.amount) != due:
            yield f"{books.id}: {due} is held, pending media cost {cost}"
