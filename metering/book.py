"""All open sessions and the wallets of their viewers: what was decided, and what is saved of it.

Decisions are made here at once, in memory; `changes` collects what is not saved yet, `committed`
notes that it is. Decisions made in between are left for the next commit.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from config.limits import SESSION_LOOKING_MS_MAX, SESSION_WAITING_MS_MAX
from metering.decision import Decision, Serve
from metering.effects import effects
from metering.meter import Meter
from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.session import (
    Allowance,
    Batch,
    SavedSession,
    Served,
    Session,
    SessionChange,
    SessionState,
    SessionSummary,
    write_state,
)
from metering.void_budget import VoidBudget

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Wallet:
    """What a viewer can spend of one asset, after all that was decided, saved or not."""

    available: int
    sessions: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Viewer:
    """What the sessions of a viewer share besides money. `saved` is the budget's (start, used)."""

    budget: VoidBudget
    saved: tuple[int, int]
    sessions: int = 0


@dataclass(slots=True)
class OpenSession:
    """A session in memory. `saved` is what the store has of it."""

    session: Session
    saved: SavedSession
    meter: Meter
    requested_at: int
    advanced_at: int
    served: dict[int, Served] = field(default_factory=dict)  # by sequence
    looked_at: int | None = None  # for what is new in the playlist
    closed_at: datetime | None = None
    # What is to be committed, when that is known already.
    change: SessionChange | None = None

    @property
    def changed(self) -> bool:
        """Whether there is something to commit; what is less than a tick waits for the next."""
        saved, meter = self.saved.totals, self.meter
        return (
            bool(self.served)
            or self.closed_at is not None
            or meter.drawn != saved.drawn
            or meter.posted // UNITS_PER_SECOND != saved.ticks
        )


class Book:
    """The state of `intake`, without its waiting: times are arguments, nothing is awaited.

    All times are monotonic milliseconds. `wall_offset_ms` is what makes wall time out of them.
    """

    def __init__(self, rules: MeterRules, wall_offset_ms: int) -> None:
        self._rules = rules
        self._wall_offset_ms = wall_offset_ms
        self._sessions: dict[str, OpenSession] = {}  # the one not advanced for longest comes first
        self._changed: dict[str, None] = {}  # in the order in which they began to wait
        self._wallets: dict[str, Wallet] = {}
        self._viewers: dict[str, Viewer] = {}
        self._by_asset: dict[str, set[str]] = {}
        # Never used twice, not even by a session that was rolled back.
        self._tickets = itertools.count(1)

    def __len__(self) -> int:
        return len(self._sessions)

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._sessions

    def is_open(self, session_id: str) -> bool:
        """Whether the session takes requests."""
        kept = self._sessions.get(session_id)
        return kept is not None and kept.closed_at is None

    def is_changed(self, session_id: str) -> bool:
        """Whether something of the session waits for a commit."""
        return session_id in self._changed

    @property
    def has_changes(self) -> bool:
        """Whether anything waits for a commit."""
        return bool(self._changed)

    def session(self, session_id: str) -> Session:
        """What the session is."""
        return self._sessions[session_id].session

    def watching(self, asset_id: str, since: int) -> int:
        """How many open sessions of an asset asked for something at `since` or later."""
        sessions = self._by_asset.get(asset_id, ())
        return sum(self._sessions[each].requested_at >= since for each in sessions)

    def summary(self, session_id: str) -> SessionSummary:
        """What is saved of a session."""
        kept = self._sessions[session_id]
        return summary_of(kept.saved, self.available(kept.session.viewer_account))

    # --- wallets ---------------------------------------------------------------------------------

    def has_wallet(self, account: str) -> bool:
        """Whether a viewer's account is in memory: as long as it has open sessions."""
        return account in self._wallets

    def has_viewer(self, viewer: str) -> bool:
        """Whether a viewer's void budget is in memory: as long as there are open sessions."""
        return viewer in self._viewers

    def available(self, account: str) -> Stroops:
        """What a wallet in memory can spend."""
        return Stroops(self._wallets[account].available)

    def held(self, account: str) -> Stroops:
        """What the open sessions of a wallet hold."""
        sessions = self._wallets[account].sessions
        return Stroops(sum(self._sessions[each].meter.held for each in sessions))

    def set_balance(self, account: str, balance: int) -> None:
        """Tell what the store holds for a wallet in memory, while no commit is under way."""
        wallet = self._wallets[account]
        kept = [self._sessions[each] for each in wallet.sessions]
        unsaved = sum(each.meter.drawn - each.saved.totals.drawn for each in kept)
        wallet.available = balance - unsaved

    # --- sessions --------------------------------------------------------------------------------

    def add(self, saved: SavedSession, balance: int, allowance: Allowance | None, now: int) -> None:
        """Take a session in, new or as the store has it.

        `balance` and `allowance` are what the store has of the viewer; what is in memory already
        is newer and stays.
        """
        session = saved.session
        wallet = self._wallets.setdefault(session.viewer_account, Wallet(balance))
        if session.viewer not in self._viewers:
            self._viewers[session.viewer] = self._viewer(allowance)
        meter = self._meter(saved, now)
        kept = OpenSession(session, saved, meter, requested_at=now, advanced_at=now)
        self._sessions[session.id] = kept
        self._by_asset.setdefault(session.asset_id, set()).add(session.id)
        self._viewers[session.viewer].sessions += 1
        wallet.sessions.add(session.id)
        wallet.available -= meter.drawn - saved.totals.drawn
        self._note(kept)

    def request(self, session_id: str, served: Served, now: int) -> tuple[int, Decision]:
        """Decide about a segment; returns the ticket to `finish` with, and the decision."""
        kept = self._sessions[session_id]
        wallet = self._wallets[kept.session.viewer_account]
        ticket = next(self._tickets)
        drawn = kept.meter.drawn
        decision = kept.meter.request(ticket, served.lo, served.hi, now, wallet.available)
        wallet.available -= kept.meter.drawn - drawn
        if isinstance(decision, Serve):
            kept.served.setdefault(served.sequence, served)
        kept.requested_at = now
        self._advanced(kept, now)
        if kept.changed:
            # Made here, while the last commit is under way, so that the next begins without delay.
            kept.change = _change(kept)
        return ticket, decision

    def look(self, session_id: str, now: int) -> None:
        """The player of an open session looks for what is new: it is still there."""
        self._sessions[session_id].looked_at = now

    def finish(self, session_id: str, ticket: int, *, complete: bool, now: int) -> None:
        """A body was sent to its last byte, or not; nothing happens when the session is gone."""
        kept = self._sessions.get(session_id)
        if kept is None:
            return
        drawn, posted = kept.meter.drawn, kept.meter.posted
        kept.meter.finish(ticket, complete=complete, now=now)
        kept.change = None
        if (kept.meter.drawn, kept.meter.posted) != (drawn, posted):
            self._wallets[kept.session.viewer_account].available -= kept.meter.drawn - drawn
            self._note(kept)

    def close(self, session_id: str, now: int) -> None:
        """End a session: it takes no more requests, and is forgotten once that is committed."""
        kept = self._sessions[session_id]
        if kept.closed_at is not None:
            return
        drawn = kept.meter.drawn
        kept.meter.close(now)
        self._wallets[kept.session.viewer_account].available -= kept.meter.drawn - drawn
        kept.closed_at = _EPOCH + timedelta(milliseconds=now + self._wall_offset_ms)
        self._note(kept)

    def sweep(self, now: int, *, quiet_ms: int, idle_ms: int, limit: int) -> list[str]:
        """Advance sessions that were left alone for `quiet_ms`, at most `limit` of them; end those
        that asked for nothing for `idle_ms` and do not wait for more of a live.

        Returns:
            The sessions that were ended.
        """
        ended: list[str] = []
        for kept in list(itertools.islice(self._sessions.values(), limit)):
            if now - kept.advanced_at < quiet_ms:
                break
            if kept.closed_at is None and _is_left(kept, now, idle_ms):
                self.close(kept.session.id, now)
                ended.append(kept.session.id)
            elif kept.closed_at is None:
                kept.meter.advance(now)
            self._advanced(kept, now)
        return ended

    # --- commits ---------------------------------------------------------------------------------

    def changes(self, limit: int) -> Batch:
        """What is to be saved of at most `limit` sessions, those first that wait for longest."""
        kept = [self._sessions[each] for each in itertools.islice(self._changed, limit)]
        return Batch(
            tuple(each.change or _change(each) for each in kept),
            tuple(self._allowances({each.session.viewer for each in kept})),
        )

    def committed(self, batch: Batch) -> list[SessionSummary]:
        """Note that the store has a batch. Ended sessions are forgotten.

        Returns:
            The last summaries of those.
        """
        for allowance in batch.allowances:
            if allowance.viewer in self._viewers:
                start = self._monotonic(allowance.window_started_at)
                self._viewers[allowance.viewer].saved = (start, allowance.used)
        ended: list[SessionSummary] = []
        for change in batch.changes:
            session_id = change.saved.session.id
            kept = self._sessions[session_id]
            kept.saved = change.saved
            kept.change = None
            for served in change.served:
                del kept.served[served.sequence]
            self._changed.pop(session_id, None)
            self._note(kept)
            if change.saved.closed_at is not None:
                ended.append(self.summary(session_id))
                self.forget(session_id)
        return ended

    def roll_back(self, session_id: str, now: int) -> None:
        """Put a session back to what is saved of it; what was delivered since is not charged."""
        kept = self._sessions[session_id]
        drawn = kept.meter.drawn
        kept.meter = self._meter(kept.saved, now)
        kept.served.clear()
        kept.closed_at = None
        self._wallets[kept.session.viewer_account].available -= kept.meter.drawn - drawn
        self._changed.pop(session_id, None)
        self._note(kept)

    def forget(self, session_id: str) -> None:
        """Drop a session, with its wallet and viewer when it was their last one."""
        kept = self._sessions.pop(session_id)
        self._changed.pop(session_id, None)
        session = kept.session
        self._by_asset[session.asset_id].discard(session_id)
        if not self._by_asset[session.asset_id]:
            del self._by_asset[session.asset_id]
        wallet = self._wallets[session.viewer_account]
        wallet.available += kept.meter.drawn - kept.saved.totals.drawn
        wallet.sessions.discard(session_id)
        if not wallet.sessions:
            del self._wallets[session.viewer_account]
        viewer = self._viewers[session.viewer]
        viewer.sessions -= 1
        if not viewer.sessions:
            del self._viewers[session.viewer]

    def _advanced(self, kept: OpenSession, now: int) -> None:
        kept.advanced_at = now
        self._sessions[kept.session.id] = self._sessions.pop(kept.session.id)
        self._note(kept)

    def _note(self, kept: OpenSession) -> None:
        kept.change = None
        if kept.changed:
            self._changed.setdefault(kept.session.id)

    def _meter(self, saved: SavedSession, now: int) -> Meter:
        price, budget = saved.session.price, self._viewers[saved.session.viewer].budget
        state = saved.meter_state()
        if state is None:
            return Meter(price, self._rules, budget, now)
        return Meter.restore(price, self._rules, budget, state, now)

    def _viewer(self, allowance: Allowance | None) -> Viewer:
        used = 0 if allowance is None else allowance.used
        start = 0 if allowance is None else self._monotonic(allowance.window_started_at)
        rules = self._rules
        budget = VoidBudget(rules.void_units_max, rules.void_window_ms, used, start)
        return Viewer(budget, (start, used))

    def _allowances(self, viewers: Iterable[str]) -> Iterable[Allowance]:
        for viewer in sorted(viewers):
            kept = self._viewers[viewer]
            if (kept.budget.window_start_ms, kept.budget.used) != kept.saved:
                start_ms = kept.budget.window_start_ms + self._wall_offset_ms
                start = _EPOCH + timedelta(milliseconds=start_ms)
                yield Allowance(viewer, start, kept.budget.used)

    def _monotonic(self, moment: datetime) -> int:
        return (moment - _EPOCH) // timedelta(milliseconds=1) - self._wall_offset_ms


def summary_of(saved: SavedSession, balance: Stroops) -> SessionSummary:
    """A session as its viewer sees it, next to the viewer's balance."""
    session = saved.session
    return SessionSummary(
        session_id=session.id,
        viewer=session.viewer,
        asset_id=session.asset_id,
        state=SessionState.OPEN if saved.closed_at is None else SessionState.CLOSED,
        price=session.price,
        seconds_billed=saved.totals.ticks,
        amount=saved.amount,
        held=Stroops(saved.totals.drawn - saved.amount),
        balance=balance,
        ticks=saved.totals.ticks,
        opened_at=session.opened_at,
        closed_at=saved.closed_at,
        delivered_seconds=saved.delivered // UNITS_PER_SECOND,
    )


def _change(kept: OpenSession) -> SessionChange:
    meter, totals = kept.meter, kept.meter.totals
    return SessionChange(
        saved=SavedSession(
            session=kept.session,
            revision=kept.saved.revision + 1,
            totals=totals,
            state=write_state(meter.snapshot()),
            closed_at=kept.closed_at,
        ),
        done=effects(kept.session.price, kept.saved.totals, totals),
        served=tuple(kept.served.values()),
    )


def _is_left(kept: OpenSession, now: int, idle_ms: int) -> bool:
    """Whether nobody sits there any more, as far as can be told."""
    idle = now - kept.requested_at
    looks = kept.looked_at is not None and now - kept.looked_at < SESSION_LOOKING_MS_MAX
    return idle >= idle_ms and not (looks and idle < SESSION_WAITING_MS_MAX)
