"""What is decided about all open sessions, and what of it is saved.

Decisions are made here at once, in memory; `changes` collects what is not saved yet, `committed`
notes that it is. Decisions made in between are left for the next commit. Most are *awaited*: what
they allow is done when they are saved. The others are saved along with those, or about once a
second.
"""

import itertools
from collections.abc import Iterable
from datetime import datetime

from metering.decision import DUPLICATE, SERVE, Decision
from metering.left_alone import LeftAlone
from metering.open_session import OpenSession, with_served
from metering.open_sessions import File, OpenSessions
from metering.repricing import Notice, PriceChange, Repricing
from metering.rules import MeterRules
from metering.session import (
    Allowance,
    Batch,
    SavedSession,
    SessionSummary,
)
from metering.unsaved import Unsaved
from metering.wall_time import WallTime

# Of a file that was sent before, completely: what becomes of this copy changes nothing.
NO_TICKET = 0


class Book(OpenSessions):
    """The state of `intake`, without its waiting: times are arguments, nothing is awaited.

    All times are monotonic milliseconds. `wall_offset_ms` is what makes wall time out of them.
    """

    def __init__(self, rules: MeterRules, wall_offset_ms: int) -> None:
        super().__init__(rules, WallTime(wall_offset_ms))
        self._left_alone = LeftAlone()
        self._unsaved = Unsaved()
        self._sent: dict[str, OpenSession] = {}
        self._repricing = Repricing()
        # Never used twice, not even by a session that was rolled back.
        self._tickets = itertools.count(1)
        self.fence = 0
        """The lease under which all this is decided; see `lease`."""

    def owes(self, session_id: str) -> bool:
        """Whether something that was decided about the session has to be saved to be true."""
        kept = self._sessions[session_id]
        return kept.awaited or kept.saving

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self._unsaved)

    @property
    def awaited(self) -> int:
        """Of how many sessions somebody waits for the next commit."""
        return len(self._unsaved.awaited)

    # --- sessions --------------------------------------------------------------------------------

    def add(
        self,
        saved: SavedSession,
        balance: int,
        allowance: Allowance | None,
        now: int,
        consents: Iterable[str] = (),
    ) -> None:
        """Take a session in, new or as the store has it.

        `balance` and `allowance` are what the store has of the viewer; what is in memory already
        is newer and stays. `consents` are the tariffs that the viewer agreed to go on under.
        """
        kept = self._enter(saved, balance, allowance, now)
        self._left_alone.add(kept)
        self._concern(kept, consents)
        self._note(kept)

    def request(self, session_id: str, file: File, now: int) -> tuple[int, Decision]:
        """Decide about a file; returns the ticket to `finish` with, and the decision. New media
        may be sent when that is saved.
        """
        return self.request_of(self._sessions[session_id], file, now)

    def request_of(self, kept: OpenSession, file: File, now: int) -> tuple[int, Decision]:
        """As `request`, of a session that was looked up."""
        ticket, decision = self._decide(kept, file, now)
        if decision is SERVE:
            self._unsaved.await_(kept)
            # Made here, while the last commit is under way, so that the next begins without delay.
            kept.change = kept.changes()
        else:
            self._note(kept)
        return ticket, decision

    def request_at_once(self, session_id: str, file: File, now: int, *, prompt: bool) -> int | None:
        """Decide about a file that can be sent now: it costs nothing more, and nothing that is
        being saved decides about it; or it is `prompt`, and is sent before it is saved.

        Returns:
            The ticket to `finish` with; None when there is something to wait for.
        """
        kept = self.open(session_id)
        if kept is None:
            return None
        if not prompt and (kept.awaited or kept.saving or not kept.covers(*file[1:])):
            return None
        ticket, decision = self._decide(kept, file, now)
        self._note(kept)
        return ticket if decision is SERVE or decision is DUPLICATE else None

    def look(self, session_id: str, now: int) -> bool:
        """The player looks for what is new: it is still there. False when the session is not."""
        kept = self.open(session_id)
        if kept is not None:
            kept.looked_at = now
        return kept is not None

    def waive(self, session_id: str, lo: int, hi: int, now: int) -> bool:
        """Media is sent for nothing: something is missing in it by our own fault. False when the
        session takes no requests.
        """
        kept = self.open(session_id)
        if kept is None:
            return False
        meter = kept.meter or self._begin(kept, kept.requested_at)
        drawn = meter.drawn
        meter.waive(lo, hi, now)
        kept.requested_at = now
        kept.wallet.available -= meter.drawn - drawn
        self._note(kept)
        return True

    def arrives(self, session_id: str, ticket: int) -> bool:
        """A body was sent to its last byte, and no money is moved by that; False: `finish` it."""
        kept = self._sessions.get(session_id)
        if kept is None or kept.meter is None:
            return False
        kept.change = None
        return kept.meter.arrives(ticket)

    def finish(
        self, session_id: str, ticket: int, *, complete: bool, now: int, taken: int = 0
    ) -> None:
        """As `Meter.finish`; nothing happens when the session is gone."""
        kept = self._sessions.get(session_id)
        if kept is None or kept.meter is None:
            return
        meter = kept.meter
        drawn = meter.drawn
        meter.finish(ticket, complete=complete, now=now, taken=taken)
        kept.wallet.available -= meter.drawn - drawn
        self._note(kept)

    def close(self, session_id: str, now: int) -> None:
        """End a session: it takes no more requests, and is forgotten once that is committed."""
        kept = self._sessions[session_id]
        if kept.closed_at is not None:
            return
        meter = kept.meter or self._begin(kept, kept.requested_at)
        drawn = meter.drawn
        meter.close(now)
        kept.wallet.available -= meter.drawn - drawn
        kept.closed_at = self._wall.of(now)
        self._note(kept)
        self._unsaved.await_(kept)

    def sweep(self, now: int, *, quiet_ms: int, idle_ms: int, limit: int) -> list[str]:
        """Advance sessions that were left alone for `quiet_ms`, at most `limit` of them; end those
        that asked for nothing for `idle_ms` and do not wait for more of a live.

        Returns:
            The sessions that were ended.
        """
        ended: list[str] = []
        for kept in self._left_alone.take(now - quiet_ms, limit):
            if self._sessions.get(kept.session.id) is not kept:
                continue  # it has ended
            if kept.closed_at is None and kept.is_left(now, idle_ms):
                self.close(kept.session.id, now)
                ended.append(kept.session.id)
            elif kept.closed_at is None and kept.meter is not None:
                kept.meter.advance(now)
            kept.advanced_at = now
            self._left_alone.add(kept)
            self._note(kept)
        return ended

    def close_others(self, viewer: str, asset_id: str, since: datetime, now: int) -> int:
        """End the viewer's sessions on an asset.

        Returns:
            What they cost since then, beyond what is saved of that.
        """
        cost = 0
        for kept in [self._sessions[each] for each in self._by_asset.get(asset_id, ())]:
            if kept.session.viewer != viewer:
                continue
            self.close(kept.session.id, now)
            cost += kept.unsaved if kept.session.opened_at >= since else kept.uncharged
        return cost

    # --- other prices ----------------------------------------------------------------------------

    def announce(self, change: PriceChange) -> None:
        """An asset has got another price, also for those who watch it; see `repricing`."""
        self._repricing.announce(change)
        for session_id in self._by_asset.get(change.asset_id, ()):
            self._concern(self._sessions[session_id])

    def notice(self, session_id: str) -> Notice | None:
        """The higher price that the session's viewer has to agree to."""
        return self._repricing.notice(session_id)

    def agree(self, session_id: str, epoch: str) -> None:
        """The session's viewer agrees. Raises: NoSuchChange."""
        self._repricing.agree(self._sessions[session_id].session, epoch)

    def end_prices(self, now: int) -> None:
        """Let sessions whose old price is over go on at the new one, or end."""
        for session_id, notice in self._repricing.due(self._wall.of(now)):
            kept = self._sessions[session_id]
            if notice.agreed:
                self._repricing.go_on(kept.session, notice.change)
                self._is_to_change(kept)
            else:
                self.close(session_id, now)

    def _concern(self, kept: OpenSession, consents: Iterable[str] = ()) -> None:
        if kept.closed_at is None and self._repricing.concern(kept.session, consents):
            self._is_to_change(kept)

    def _is_to_change(self, kept: OpenSession) -> None:
        if kept.meter is None:
            self._begin(kept, kept.requested_at)
        self._unsaved.note(kept, kept.requested_at)

    def _reprice(self, kept: OpenSession) -> None:
        """All that it did under its old price is in the batch that was put together just now."""
        self._repricing.apply(kept)
        kept.change = None
        if kept.wallet.available < 0:
            # What is held would be more than there is: nobody can go on at that price.
            self.close(kept.session.id, kept.advanced_at)

    # --- commits ---------------------------------------------------------------------------------

    def changes(self, limit: int, until: int | None = None) -> Batch:
        """What is to be saved of at most `limit` sessions; see `Unsaved.next`."""
        kept = self._unsaved.next(limit, until)
        rows = tuple([each.change or each.changes() for each in kept])
        batch = Batch(rows, self.viewers.allowances(kept), self.fence)
        for each, row in zip(kept, rows, strict=True):
            self._sent[row[8]] = each
            each.saving, each.awaited = each.awaited, False
            each.sent, each.waiting = each.waiting, ()
            each.served, each.change = (), row
        if self._repricing.has_next:
            for each in kept:
                self._reprice(each)
        return batch

    def committed(self, batch: Batch) -> list[SessionSummary]:
        """Note that the store has a batch. Ended sessions are forgotten.

        Returns:
            The last summaries of those.
        """
        self.viewers.are_saved(batch.allowances)
        ended: list[SessionSummary] = []
        is_next = self._repricing.is_next
        self._unsaved.are_saved(row[8] for row in batch.rows if not is_next(row[8]))
        for row in batch.rows:
            kept = self._sent[row[8]]
            is_as_saved = kept.change is row
            # The rest of the row, with what was served, would be in memory until the next change.
            kept.row, kept.saving, kept.change = row[:8], False, None
            if not is_as_saved and kept.changed:
                self._unsaved.note(kept, kept.requested_at)
            if row[7] is not None:  # it is closed
                ended.append(self.summary(row[8]))
                self.forget(row[8])
        return ended

    def take_sent(self) -> dict[str, OpenSession]:
        """The sessions of the batch that was answered, also those that were not saved, by id."""
        sent, self._sent = self._sent, {}
        return sent

    def unsaved(self) -> Iterable[OpenSession]:
        """Those that are being saved, and those that somebody waits for after that."""
        return [*self._sent.values(), *self._unsaved.awaited]

    def roll_back(self, session_id: str, now: int) -> None:
        """Put a session back to what is saved of it; what was delivered since is not charged."""
        kept = self._sessions[session_id]
        unsaved, gone = kept.unsaved, kept.meter
        meter = self._begin(kept, now)
        if gone is not None and gone.voided < meter.voided:
            # The viewer got it back for media that arrived after all, and does not pay for now.
            self.viewers.budget(kept.viewer).take(meter.voided - gone.voided, now)
        kept.session = kept.row[0]
        kept.served = ()
        kept.closed_at = None
        kept.saving = False
        kept.wallet.available -= kept.unsaved - unsaved
        self._unsaved.forget(kept)
        self._concern(kept)
        self._note(kept)

    def forget(self, session_id: str) -> None:
        """Drop a session, with its wallet and viewer when it was their last one."""
        kept = self._leave(session_id)
        self._unsaved.forget(kept)
        self._repricing.forget(session_id)
        if kept.session.asset_id not in self._by_asset:
            self._repricing.forget_asset(kept.session.asset_id)

    def clear(self) -> None:
        """Forget everything: somebody else has the sessions."""
        super().clear()
        self._left_alone.clear()
        self._unsaved.clear()
        self._sent.clear()
        self._repricing = Repricing()

    def _decide(self, kept: OpenSession, file: File, now: int) -> tuple[int, Decision]:
        ticket, (sequence, lo, hi, height) = next(self._tickets), file
        meter, wallet = kept.meter or self._begin(kept, kept.requested_at), kept.wallet
        drawn, available = meter.drawn, wallet.available
        if meter.goes_on(ticket, lo, hi, now, available):
            decision: Decision = SERVE
        else:
            decision = meter.request(ticket, lo, hi, now, available, height)
            if decision is not SERVE and not meter.in_flight:
                ticket = NO_TICKET
            self.viewers.note(kept)
        if decision is SERVE:
            new = (sequence, lo, hi)
            kept.served = with_served(kept.served, new) if kept.served else (new,)
        wallet.available = available + drawn - meter.drawn
        kept.change, kept.requested_at, kept.advanced_at = None, now, now
        return ticket, decision

    def _note(self, kept: OpenSession) -> None:
        """Something may have changed that is to be saved."""
        kept.change = None
        self.viewers.note(kept)
        if kept.changed:
            self._unsaved.note(kept, kept.requested_at)
