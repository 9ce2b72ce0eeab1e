"""Playback sessions as values: what one is, what is saved of it, and what changes in one commit."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import cast

from metering.effects import Effects, Totals
from metering.ledger import Transfer, creator_account, hold_account, viewer_account
from metering.meter import MeterState
from metering.money import Stroops
from metering.tariff import Price


class SessionState(Enum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Session:
    """One viewer watching one asset under one price, which never changes."""

    id: str
    viewer: str
    asset_id: str
    payee: str
    price: Price
    opened_at: datetime

    @property
    def viewer_account(self) -> str:
        """Where its money comes from."""
        return viewer_account(self.viewer, self.price.asset).id

    @property
    def hold_account(self) -> str:
        """Where money waits until the media had time to be watched."""
        return hold_account(self.id, self.price.asset).id

    @property
    def creator_account(self) -> str:
        """Where it goes."""
        return creator_account(self.payee, self.price.asset).id


@dataclass(frozen=True, slots=True)
class SavedSession:
    """A session as the store holds it. `revision` counts the commits that it took part in."""

    session: Session
    revision: int
    totals: Totals
    delivered: int  # units whose body was completed
    state: str | None  # the meter's, as JSON; None before the first commit
    closed_at: datetime | None

    @property
    def amount(self) -> Stroops:
        """What was charged."""
        return self.session.price.cost(0, self.totals.ticks)

    def meter_state(self) -> MeterState | None:
        """The meter's state, parsed."""
        return None if self.state is None else cast("MeterState", json.loads(self.state))


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """What a viewer may know about a session: only what is durable."""

    session_id: str
    viewer: str
    asset_id: str
    state: SessionState
    price: Price
    seconds_billed: int
    amount: Stroops
    held: Stroops
    balance: Stroops  # the viewer's, without what is held
    ticks: int
    opened_at: datetime
    closed_at: datetime | None
    delivered_seconds: int

    @property
    def seconds_affordable(self) -> int | None:
        """How many more seconds the held and the free money pay for; None when they are free."""
        return self.price.seconds_affordable(self.ticks, self.balance + self.held)


@dataclass(frozen=True, slots=True)
class Served:
    """A segment that a session was promised: it may be delivered once this is durable."""

    sequence: int
    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class TickRun:
    """Consecutive ticks, from `first` up to, not including, `last`, and what they cost together."""

    first: int
    last: int
    amount: Stroops


@dataclass(frozen=True, slots=True)
class SessionChange:
    """All that one commit writes about one session; `saved` is how it is afterwards."""

    saved: SavedSession
    transfers: tuple[Transfer, ...]
    served: tuple[Served, ...]
    run: TickRun | None


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of a viewer's void budget is used, and since when (see `void_budget`)."""

    viewer: str
    window_started_at: datetime
    used: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What is committed together: all of it or nothing. Committing it again does nothing."""

    changes: tuple[SessionChange, ...]
    allowances: tuple[Allowance, ...] = ()


def transfers_for(session: Session, revision: int, done: Effects) -> tuple[Transfer, ...]:
    """The entries for what a session did up to `revision`.

    A batch enters what is left when holds and voids in between are set off against each other.
    """
    viewer, hold, creator = session.viewer_account, session.hold_account, session.creator_account
    moves = (
        ("hold", viewer, hold, done.drawn),
        ("void", hold, viewer, -done.drawn),
        ("post", hold, creator, done.amount),
    )
    return tuple(
        Transfer(
            id=f"{session.id}:{revision}:{cause}",
            debit=debit,
            credit=credit,
            amount=Stroops(amount),
            asset=session.price.asset,
            cause=cause,
        )
        for cause, debit, credit, amount in moves
        if amount > 0
    )
