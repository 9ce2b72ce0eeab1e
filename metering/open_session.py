"""An open session in memory: what was decided about it, and what is saved of that."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from config.limits import SESSION_LOOKING_MS_MAX, SESSION_WAITING_MS_MAX
from metering.meter import Meter
from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND
from metering.session import (
    ChangeRow,
    SavedRow,
    SavedSession,
    ServedRow,
    Session,
    SessionSummary,
)
from metering.void_budget import VoidBudget


@dataclass(slots=True)
class Wallet:
    """What a viewer can spend of one asset, after all that was decided, saved or not.

    Attributes:
        sessions: open ones, mostly one: a list of that takes twice the memory.
    """

    available: int
    sessions: "tuple[OpenSession, ...]" = ()


@dataclass(slots=True)
class Viewer:
    """What the sessions of a viewer share besides money.

    Attributes:
        budget: None until one of them begins to be metered.
        saved: the budget's (start, used).
    """

    budget: VoidBudget | None = None
    saved: tuple[int, int] = (0, 0)
    sessions: int = 0

    @property
    def changed(self) -> bool:
        """Whether something of the budget is not saved."""
        budget = self.budget
        return budget is not None and (budget.window_start_ms, budget.used) != self.saved


class Waiter(Protocol):
    """Whoever waits for something to be saved; see `waiting.Saved`."""

    def done(self) -> bool: ...
    def set_result(self, summary: SessionSummary | None, /) -> None: ...
    def set_exception(self, error: Exception, /) -> None: ...
    def call(self) -> None: ...


@dataclass(slots=True, eq=False)
class OpenSession:
    """A session in memory.

    Attributes:
        id: the session's, here since that would be one more object to look at for each segment.
        row: what the store has of it; `saved` gives it names.
        meter: None until media is asked for: a meter of nothing takes as much memory as the rest,
            and most who open a session at the same time wait together for something to begin.
        served: what was promised since the last commit was put together.
        awaited: something was decided since then that somebody waits for to be saved.
        saving: so it is with what is being saved now.
        waiting: who they are.
        sent: those who wait for what is being saved now.
        looked_at: for what is new in the playlist.
        change: `changes`, when it is known already and nothing has changed since; while that is
            being saved it stays here.
    """

    session: Session
    row: SavedRow
    wallet: Wallet
    viewer: Viewer
    meter: Meter | None
    requested_at: int
    advanced_at: int
    served: tuple[ServedRow, ...] = ()
    awaited: bool = False
    saving: bool = False
    waiting: tuple[Waiter, ...] = ()
    sent: tuple[Waiter, ...] = ()
    looked_at: int | None = None
    closed_at: datetime | None = None
    change: ChangeRow | None = None
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = self.session.id

    @property
    def saved(self) -> SavedSession:
        """What the store has of it."""
        return SavedSession.of(self.row)

    @property
    def changed(self) -> bool:
        """Whether there is something to commit; what is less than a tick waits for the next, if
        nobody waits for it.
        """
        row, meter = self.row, self.meter
        if self.awaited or self.session is not row[0]:
            return True
        if meter is None:
            return False
        return (
            meter.drawn != row[2]
            or meter.posted // UNITS_PER_SECOND != row[3] // UNITS_PER_SECOND
            or (bool(row[5]) and meter.rung_seconds != row[5])
        )

    @property
    def held(self) -> int:
        """What is reserved for media that was asked for."""
        return 0 if self.meter is None else self.meter.held

    @property
    def unsaved(self) -> int:
        """What was taken from the wallet (below zero: given back) since the last commit."""
        return 0 if self.meter is None else self.meter.drawn - self.row[2]

    @property
    def uncharged(self) -> int:
        """What it was charged since the last commit."""
        return 0 if self.meter is None else self.meter.amount - self.row[4]

    def covers(self, lo: int, hi: int, height: int = 0) -> bool:
        """Whether all of [lo, hi) was asked for and not voided."""
        return self.meter is not None and self.meter.covers(lo, hi, height)

    def changes(self) -> ChangeRow:
        """All that is not saved."""
        meter, session = self.meter, self.session
        assert meter is not None, "nothing was decided yet"
        row, drawn, posted, (stroops, per) = self.row, meter.drawn, meter.posted, meter.terms.rate
        rungs: tuple[int, ...] = ()
        if per:  # as `Meter.amount` of a price and nothing else
            amount = Stroops(stroops * (posted // UNITS_PER_SECOND) // per)
        else:
            amount, rungs = meter.amount, meter.rung_seconds
        return (
            session,
            row[1] + 1,
            drawn,
            posted,
            amount,
            rungs,
            meter.text(),
            self.closed_at,
            self.id,
            row[3] // UNITS_PER_SECOND,
            drawn - row[2],
            amount - row[4],
            self.served,
            session is not row[0],
        )

    def is_left(self, now: int, idle_ms: int) -> bool:
        """Whether nobody sits there any more, as far as can be told."""
        idle = now - self.requested_at
        looks = self.looked_at is not None and now - self.looked_at < SESSION_LOOKING_MS_MAX
        return idle >= idle_ms and not (looks and idle < SESSION_WAITING_MS_MAX)


def with_served(served: tuple[ServedRow, ...], new: ServedRow) -> tuple[ServedRow, ...]:
    """What is promised with one file more: parts of a segment become one line."""
    sequence, lo, hi = new
    for place, each in enumerate(served):
        if each[0] == sequence:
            joined = (sequence, min(lo, each[1]), max(hi, each[2]))
            return (*served[:place], joined, *served[place + 1 :])
    return (*served, new)
