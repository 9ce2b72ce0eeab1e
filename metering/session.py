"""Playback sessions as values: what one is, what is saved of it, and what changes in one commit."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from metering.effects import Effects, Totals
from metering.ledger.ledger import Account, Transfer, hold_account, viewer_account
from metering.meter_state import MeterState
from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND
from metering.shares.splits import payee_account
from metering.tariff import Price, Tariff
from metering.terms import Terms


class SessionState(Enum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Session:
    """One viewer watching one asset under terms, which only a change of the price replaces."""

    id: str
    viewer: str
    asset_id: str
    payee: str
    terms: Terms
    opened_at: datetime

    # The name of the ledger account that pays. It names a wallet in memory, so it is made once.
    viewer_account: str = field(init=False)

    def __post_init__(self) -> None:
        account = viewer_account(self.viewer, self.terms.tariff.asset)
        object.__setattr__(self, "viewer_account", account.id)

    @property
    def hold_account(self) -> str:
        """The ledger account where money waits until the media had time to be watched."""
        return hold_account(self.id, self.terms.tariff.asset).id

    @property
    def creator_account(self) -> str:
        """The ledger account that earns."""
        return payee_account(self.payee, self.terms.tariff.asset).id

    @property
    def day(self) -> datetime:
        """When the day (UTC) began on which it was opened, and whose cap it counts towards."""
        return self.opened_at.replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def tariff(self) -> Tariff:
        """What it is charged by now."""
        return self.terms.tariff

    @property
    def price(self) -> Price:
        """What a second costs now in the lowest pictures."""
        return self.terms.tariff.price

    def accounts(self) -> tuple[Account, Account, Account]:
        """The viewer's, the session's own, and the creator's or that of those who share."""
        asset = self.terms.tariff.asset
        return (
            viewer_account(self.viewer, asset),
            hold_account(self.id, asset),
            payee_account(self.payee, asset),
        )


# With every segment such rows are made, as plain tuples: a thousand of them are turned into columns
# at once, and a named tuple takes seven times as long to make. `Batch.changes` and
# `OpenSession.saved` give them their names. The row of a change begins with the fields of
# `SavedSession`, and goes on with those of `SessionChange`.
ServedRow = tuple[int, int, int]
_Saved = tuple[Session, int, int, int, Stroops, tuple[int, ...], str | None, datetime | None]
SavedRow = tuple[*_Saved, *tuple[Any, ...]]
ChangeRow = tuple[*_Saved, str, int, int, int, Sequence[ServedRow], bool]


class SavedSession(NamedTuple):
    """A session as the store holds it, with its totals (see `effects.Totals`)."""

    session: Session
    revision: int  # counts the commits that it took part in
    drawn: int
    posted: int
    amount: Stroops
    rungs: tuple[int, ...]
    state: str | None  # the meter's, as JSON; None before the first commit
    closed_at: datetime | None

    @property
    def totals(self) -> Totals:
        """What it did since it began."""
        return Totals(self.drawn, self.posted, self.amount, self.rungs)

    @property
    def delivered(self) -> int:
        """Units of media whose bodies were completed."""
        state = self.meter_state()
        return 0 if state is None else state.delivered

    @property
    def waived(self) -> int:
        """Units of media that were sent for nothing, since something was missing in them."""
        state = self.meter_state()
        return 0 if state is None else state.waived

    def meter_state(self) -> MeterState | None:
        """The meter's state, parsed."""
        return None if self.state is None else read_state(self.state)

    @classmethod
    def of(cls, row: SavedRow) -> "SavedSession":
        """What a row says is saved."""
        return cls._make(row[:8])


def unstarted(session: Session) -> SavedSession:
    """A session of which nothing was watched yet."""
    rungs = session.tariff.rungs
    return SavedSession(session, 0, 0, 0, Stroops(0), (0,) * len(rungs), None, None)


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """What a viewer may know about a session: only what is durable."""

    session_id: str
    viewer: str
    asset_id: str
    state: SessionState
    terms: Terms
    seconds_billed: int
    amount: Stroops
    held: Stroops
    balance: Stroops  # the viewer's, without what is held
    ticks: int
    opened_at: datetime
    closed_at: datetime | None
    delivered_seconds: int
    rung_seconds: tuple[int, ...] = ()  # of those billed, how many at each rung of the tariff
    seconds_waived: int = 0  # sent for nothing, since something was missing in them; rounded up

    @property
    def tariff(self) -> Tariff:
        """What the session is charged by now."""
        return self.terms.tariff

    @property
    def price(self) -> Price:
        """What a second costs now in the lowest pictures."""
        return self.terms.tariff.price

    @property
    def seconds_affordable(self) -> int | None:
        """How many more seconds of the lowest pictures the held and the free money pay for; None
        when they are free.
        """
        money = self.balance + self.held
        return self.terms.seconds_affordable(self.ticks, self.rung_seconds, money)


def summary_of(saved: SavedSession, balance: Stroops) -> SessionSummary:
    """A session as its viewer sees it, next to the viewer's balance."""
    session, ticks = saved.session, saved.totals.ticks
    return SessionSummary(
        session_id=session.id,
        viewer=session.viewer,
        asset_id=session.asset_id,
        state=SessionState.OPEN if saved.closed_at is None else SessionState.CLOSED,
        terms=session.terms,
        seconds_billed=ticks,
        amount=saved.amount,
        held=Stroops(saved.drawn - saved.amount),
        balance=balance,
        ticks=ticks,
        opened_at=session.opened_at,
        closed_at=saved.closed_at,
        delivered_seconds=saved.delivered // UNITS_PER_SECOND,
        rung_seconds=saved.rungs,
        seconds_waived=-(-saved.waived // UNITS_PER_SECOND),
    )


class Served(NamedTuple):
    """What a session was promised of a segment in one commit: all of it, or from its first to its
    last part.
    """

    sequence: int
    lo: int
    hi: int


class SessionChange(NamedTuple):
    """All that one commit writes about one session.

    Attributes:
        session_id: the session's.
        saved: how it is afterwards.
        first_tick: the first second that is charged, if there is one.
        drawn: stroops that went from the viewer into the hold; below zero: came back.
        amount: stroops that were charged.
        repriced: its terms are new, and hold for all that was done.
    """

    session_id: str
    saved: SavedSession
    first_tick: int
    drawn: int
    amount: int
    served: tuple[Served, ...]
    repriced: bool = False

    @property
    def row(self) -> ChangeRow:
        """The same without names."""
        session_id, saved, first_tick, drawn, amount, served, repriced = self
        return (*saved, session_id, first_tick, drawn, amount, served, repriced)

    @property
    def done(self) -> Effects:
        """What to enter in the books."""
        last_tick = self.saved.posted // UNITS_PER_SECOND
        return Effects(self.first_tick, last_tick, Stroops(self.amount), self.drawn)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of a viewer's void budget is used, and since when (see `void_budget`)."""

    viewer: str
    window_started_at: datetime
    used: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What is committed together: all of it or nothing. Committing it again does nothing.

    `fence` is the lease under which it was decided; there never is a lease 0.
    """

    rows: tuple[ChangeRow, ...]
    allowances: tuple[Allowance, ...] = ()
    fence: int = 0

    @property
    def ticks(self) -> int:
        """How many seconds it charges."""
        return sum([row[3] // UNITS_PER_SECOND - row[9] for row in self.rows])

    @property
    def session_ids(self) -> list[str]:
        """The sessions that it changes."""
        return [row[8] for row in self.rows]

    @property
    def changes(self) -> tuple[SessionChange, ...]:
        """The rows by name."""
        return tuple([_change_of(row) for row in self.rows])


def _change_of(row: ChangeRow) -> SessionChange:
    saved, served = SavedSession.of(row), tuple([Served(*each) for each in row[12]])
    return SessionChange(row[8], saved, row[9], row[10], row[11], served, row[13])


def read_state(text: str) -> MeterState:
    """What `Meter.text` wrote."""
    state = MeterState(*json.loads(text))
    return state._replace(
        covered=[(lo, hi) for lo, hi in state.covered],
        pending=[(lo, hi, in_flight) for lo, hi, in_flight in state.pending],
        rungs=[(posted, [(lo, hi) for lo, hi in ready]) for posted, ready in state.rungs],
    )


def transfers_for(change: SessionChange) -> tuple[Transfer, ...]:
    """The entries for what a session did since its last commit.

    What is left when holds and voids in between are set off against each other. The function
    `metering_commit` of the schema makes the same ones.
    """
    session, revision = change.saved.session, change.saved.revision
    viewer, hold, creator = session.viewer_account, session.hold_account, session.creator_account
    moves = (
        ("hold", viewer, hold, change.drawn),
        ("void", hold, viewer, -change.drawn),
        ("post", hold, creator, change.amount),
    )
    return tuple(
        Transfer(
            id=f"{session.id}:{revision}:{cause}",
            debit=debit,
            credit=credit,
            amount=Stroops(amount),
            asset=session.tariff.asset,
            cause=cause,
        )
        for cause, debit, credit, amount in moves
        if amount > 0
    )
