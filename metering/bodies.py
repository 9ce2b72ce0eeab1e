"""What becomes of the bodies that a session was sent: they arrive, break off, or are left."""

from metering.broken_off import BrokenOff
from metering.holdings import Holdings
from metering.intervals import Intervals
from metering.pending import Piece
from metering.repeats import Repeats
from metering.rules import MeterRules
from metering.rungs import Rungs
from metering.terms import Terms
from metering.void_budget import VoidBudget


class Bodies(Holdings):
    """Holdings that bodies are sent of; what is asked for is decided in `meter`."""

    __slots__ = ("_broken_off", "_repeats")

    def __init__(self, terms: Terms, rules: MeterRules, budget: VoidBudget, now: int) -> None:
        super().__init__(terms, rules, budget, now)
        self._repeats = Repeats(rules)
        self._broken_off: BrokenOff | None = None  # few sessions ever need it

    def finish(self, ticket: int, *, complete: bool, now: int, taken: int = 0) -> None:
        """A body was sent to its last byte, or not. Unknown tickets are ignored: they were voided
        by a restart or by `close`.

        Args:
            ticket: what it was asked for with.
            complete: whether it was.
            now: monotonic milliseconds.
            taken: when it was not, how many thousandths of its file the client took before it left;
                nothing when it was cut by us.
        """
        if complete and self.arrives(ticket):
            return
        if not complete:
            self._break_off(ticket, now, is_left=taken >= self._rules.taken_permille_min)
            return
        if self._rungs is not None:
            self._finish_at(self._rungs, ticket)
        for piece in self._pending.of(ticket):
            self._deliver(piece, now)

    def arrives(self, ticket: int) -> bool:
        """As `finish` of what is complete, if it came alone and moves no money: nearly every body.
        The rest of `finish` would do the same.
        """
        head = self._head
        if self._ready_lo is None or ticket != self._body_ticket or self._body_lo == head:
            return False
        if head is None or self._broken_off is not None:
            return False
        self.delivered += head - self._body_lo
        self._body_lo = head
        return True

    def waive(self, lo: int, hi: int, now: int) -> None:
        """Send the media [lo, hi) for nothing, in whatever pictures: something is missing in it by
        our own fault. What was charged of it before stays charged.
        """
        self.advance(now)
        if now > self._touched_at:
            self._touched_at = now
        new = sum(end - start for start, end in self._covered.gaps(lo, hi))
        ready = self._pending.ready
        self.waived += new + self._pending.strip(lo, hi)
        self.delivered -= ready - self._pending.ready
        self._covered.add(lo, hi)
        if self._rungs is not None:
            self._rungs.remove(lo, hi)
        if self._head is None or not self._is_seek(lo):
            self._head = max(hi, self._head or 0)
        self._reserve()

    def close(self, now: int) -> None:
        """The viewer left: post what there was time to watch, void the rest.

        Bodies still in flight may yet arrive, and nobody will hear of it: they are left like those
        that have.
        """
        self.advance(now)
        self._end_run(now)
        pieces, rungs = list(self._pending.pieces), self._rungs
        for piece in pieces:
            if rungs is not None:
                rungs.arrive(piece.lo, piece.hi)
            self._arrive(piece)
        self._release(pieces, now)
        if rungs is not None:
            rungs.close(arrive=self._is_beyond(rungs.flying, now))
            self._reserve()

    def _deliver(self, piece: Piece, now: int) -> None:
        self._arrive(piece)
        if self._broken_off is not None:
            self._give_back(self._broken_off.remove(piece.lo, piece.hi, now))
        if piece.abandoned:
            self._release([piece], now)

    def _arrive(self, piece: Piece) -> None:
        self._pending.deliver(piece)
        self.delivered += piece.hi - piece.lo

    def _break_off(self, ticket: int, now: int, *, is_left: bool) -> None:
        pieces = self._pending.of(ticket)
        for piece in pieces:
            piece.broken = piece.broken or is_left
            piece.tickets.discard(ticket)
        over = [piece for piece in pieces if not piece.tickets]
        left = [piece for piece in over if piece.broken]
        if self._rungs is not None:
            self._break_off_at(self._rungs, ticket, left, now, is_left=is_left)
        for piece in over:
            if piece.broken:
                self._leave_behind(piece, now)
            else:
                self._drop(piece)

    def _give_back(self, units: int) -> None:
        """It was sent twice, and is watched once: if that is not more than a player needs. Else two
        could share a session, of whom one always leaves before the other one's body ends.
        """
        if units and not self._repeats.take(units, self.presence_ms):
            self._budget.give_back(units)
            self.delivered -= units
            self.voided -= units

    def _leave_behind(self, piece: Piece, now: int) -> None:
        lo, hi, forced = piece.lo, piece.hi, self.forced
        self._arrive(piece)
        self._release([piece], now)
        lo += self.forced - forced
        # A worse picture that arrives is no reason to give back what was had of a better one.
        if lo < hi and self._rungs is None:
            if self._broken_off is None:
                self._broken_off = BrokenOff(self._budget)
            self._broken_off.add(lo, hi)

    # --- better pictures that cost more ----------------------------------------------------------

    def _break_off_at(
        self, rungs: Rungs, ticket: int, left: list[Piece], now: int, *, is_left: bool
    ) -> None:
        if is_left:
            rungs.leave(ticket)
        for piece in left:
            rungs.arrive(piece.lo, piece.hi, broken=True)
        arrives = self._is_beyond(rungs.left(ticket), now)
        rungs.break_off(ticket, arrives=arrives, unposted=self._unposted(rungs, ticket))
        self._reserve()

    def _finish_at(self, rungs: Rungs, ticket: int) -> None:
        rungs.finish(ticket, unposted=self._unposted(rungs, ticket))
        self._reserve()

    def _unposted(self, rungs: Rungs, ticket: int) -> Intervals:
        """What is not charged, as far as a body of better pictures goes."""
        span = rungs.span_of(ticket)
        unposted = Intervals() if span is None else Intervals(self._covered.gaps(*span))
        for piece in self._pending.pieces:
            unposted.add(piece.lo, piece.hi)
        return unposted

    def _is_beyond(self, units: int, now: int) -> bool:
        """Whether so many units of better pictures, which were left, are to be charged: when there
        is nothing in the void budget to take them from.
        """
        return units > 0 and self._budget.take(units, now) == 0
