"""The meter of one playback session: what is held, charged and released for which media.

A player fetches media long before it is watched, and much of it never is: fetching cannot be the
same as buying. So there are two phases. Delivery *holds* what the media costs; presence *posts*
it, at the pace at which it can be watched; seeking away and leaving *void* what was not posted.

    request -> in flight --complete--> delivered --time passes--> posted (charged)
                  |  `--broken off, left-->`------seek, close---> voided (within the void budget)
                  `------broken off before that---> voided (always)

A body breaks off. When little of it had been taken, or it was our own doing, nobody pays anything
for it. Else the viewer may have watched it to its last byte: it counts as delivered and left, which
is free within the void budget and charged beyond it. So do bodies under way when the session ends.

All requests for the same media (other rendition, audio next to video, retry, part) share one
interval: the first one holds, later ones are duplicates that cost nothing, and one complete body
is enough. Duplicates are limited by `repeats`, so that nobody shares a session with many. What is
held always is the exact cost of what is pending. Where better pictures cost more, `rungs` keeps
account of them; elsewhere there is none, and nothing to do for it.

Times are monotonic milliseconds. Media is measured in units of 1/90000 s. What is left over, less
than a second at the end of a session, is the viewer's.
"""

from collections.abc import Iterator
from typing import NamedTuple

from config.limits import METER_INTERVAL_UNITS_MAX, METER_INTERVALS_MAX, METER_REQUESTS_MAX
from metering.broken_off import BrokenOff
from metering.decision import DUPLICATE, SERVE, Decision, Fragmented, Pace, ShortOfFunds
from metering.effects import Totals
from metering.intervals import Intervals
from metering.money import Stroops
from metering.pending import Pending, Piece
from metering.repeats import Repeats
from metering.rules import UNITS_PER_MS, UNITS_PER_SECOND, MeterRules
from metering.rungs import LaneState, Rungs
from metering.tariff import Tariff
from metering.terms import Terms
from metering.void_budget import VoidBudget

# A paced request whose predecessors are still being sent cannot tell when they will be done.
_PACE_MS_MIN = 100


class BadInterval(ValueError):
    """Not a piece of media: empty, before the start, or longer than any segment."""


class MeterState(NamedTuple):
    """A meter as JSON can carry it: an array, because it is written with every segment.

    `covered` holds [lo, hi], `pending` [lo, hi, 1 when in flight], `rungs` the lanes of `Rungs`.
    """

    presence_ms: int
    posted: int
    delivered: int
    voided: int
    forced: int
    run_start: int
    head: int | None
    covered: list[tuple[int, int]]
    pending: list[tuple[int, int, int]]
    rungs: list[LaneState] = []  # noqa: RUF012 - of a tuple, whose default nobody changes
    waived: int = 0


class Meter:
    """One session's state machine; see the picture at the top of this file.

    `budget` is shared by all sessions of the viewer.
    """

    __slots__ = (
        "_broken_off",
        "_budget",
        "_counted_until",
        "_covered",
        "_head",
        "_keepalive_ms",
        "_pending",
        "_repeats",
        "_rules",
        "_run_start",
        "_rungs",
        "_touched_at",
        "delivered",
        "drawn",
        "forced",
        "posted",
        "presence_ms",
        "terms",
        "voided",
        "waived",
    )

    def __init__(self, terms: Terms, rules: MeterRules, budget: VoidBudget, now: int) -> None:
        self.terms = terms
        self._rules = rules
        self._keepalive_ms = rules.keepalive_ms
        self._budget = budget
        self._counted_until = now
        self._touched_at = now
        self.presence_ms = 0
        self.posted = 0  # units charged
        self.delivered = 0  # units whose body was completed or left, and that are not waived
        self.voided = 0  # units that were left within the void budget, and have not arrived since
        self.forced = 0  # units charged because they were left beyond it
        self.waived = 0  # units that were sent and are nobody's to pay
        self.drawn = Stroops(0)  # taken from the viewer: charged or held
        self._run_start = 0  # `posted` when the viewer last jumped
        self._head: int | None = None  # how far the run has come
        self._covered = Intervals()
        self._pending = Pending()
        self._repeats = Repeats(rules)
        self._rungs = Rungs(terms.tariff.rungs) if terms.tariff.rungs else None
        self._broken_off: BrokenOff | None = None  # few sessions ever need it

    @property
    def totals(self) -> Totals:
        posted, rungs = self.posted, self._rungs
        if rungs is not None:
            return Totals(self.drawn, posted, self.amount, rungs.posted)
        amount = self.terms.cost(posted // UNITS_PER_SECOND)
        # What a NamedTuple's own constructor does, for a third of its time.
        return tuple.__new__(Totals, (self.drawn, posted, amount, ()))

    @property
    def rung_seconds(self) -> tuple[int, ...]:
        """Completed seconds that were charged at each rung of the tariff."""
        return () if self._rungs is None else self._rungs.posted

    @property
    def held(self) -> Stroops:
        """What is reserved for pending media: exactly its cost."""
        return Stroops(self.drawn - self.amount)

    @property
    def amount(self) -> Stroops:
        """What was charged."""
        seconds = self.posted // UNITS_PER_SECOND
        if self._rungs is None:
            return self.terms.cost(seconds)
        return self.terms.cost(seconds, self._rungs.posted)

    @property
    def pending(self) -> int:
        """Units that are neither posted nor voided."""
        return self._pending.units

    @property
    def in_flight(self) -> int:
        """Units whose bodies are under way, counted again where they bring better pictures."""
        rungs = self._rungs
        return self._pending.in_flight + (0 if rungs is None else rungs.in_flight)

    @property
    def allowed(self) -> int:
        """Units that there was time to watch, or that were forced."""
        speed, per = self._rules.speed
        watched = self.presence_ms * UNITS_PER_MS * speed // per
        return self._rules.startup_units + watched + self.forced

    def covered(self) -> list[tuple[int, int]]:
        """The media that was asked for and not voided."""
        return self._covered.pairs()

    def covers(self, lo: int, hi: int, height: int = 0) -> bool:
        """Whether all of [lo, hi) was asked for in such pictures and not voided: it costs nothing
        more.
        """
        if self._covered.gaps(lo, hi):
            return False
        return self._rungs is None or not self._rungs.is_new(height, lo, hi)

    def advance(self, now: int) -> None:
        """Let time pass until `now` and post what there was time to watch."""
        counted_until = self._counted_until
        if now > counted_until:
            present_until = self._touched_at + self._keepalive_ms
            if present_until > now:
                present_until = now
            if present_until > counted_until:
                self.presence_ms += present_until - counted_until
            self._counted_until = now
        pending = self._pending
        if not pending.ready:
            return
        ready, postable = pending.ready, self.allowed - self.posted
        if postable > ready:
            postable = ready
        if postable == ready + pending.in_flight and self._rungs is None:
            # A live is watched as it comes.
            self.posted += postable
            pending.clear()
        elif postable > 0:
            self._post(postable, pending.delivered())

    def request(
        self, ticket: int, lo: int, hi: int, now: int, available: int, height: int = 0
    ) -> Decision:
        """Decide about one request for the media [lo, hi); Serve and Duplicate await `finish`.

        Args:
            ticket: a number that no other request to this meter has or had.
            lo: where the media begins, in units from 0 on.
            hi: where it ends.
            now: monotonic milliseconds.
            available: the viewer's balance that nothing is held of.
            height: how many lines the pictures have; 0 for sound and captions.

        Raises:
            BadInterval: the packager asks for something that is no segment.
        """
        if not 0 <= lo < hi <= lo + METER_INTERVAL_UNITS_MAX:
            raise BadInterval(f"not a segment: [{lo}, {hi})")
        self.advance(now)
        if now > self._touched_at:
            self._touched_at = now
        if self._pending.in_flight and self._pending.requests >= METER_REQUESTS_MAX:
            return Pace(_PACE_MS_MIN)
        if lo == self._head and self._rungs is None and self._goes_on(ticket, lo, hi, available):
            return SERVE
        gaps = self._covered.gaps(lo, hi)
        if self._rungs is not None:
            return self._serve_at(self._rungs, (ticket, lo, hi), height, gaps, available)
        if gaps:
            return self._serve(ticket, lo, hi, gaps, available)
        return self._repeat(ticket, lo, hi)

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
        if not complete:
            self._break_off(ticket, now, is_left=taken >= self._rules.taken_permille_min)
            return
        if self._rungs is not None:
            self._finish_at(self._rungs, ticket)
        for piece in self._pending.of(ticket):
            self._deliver(piece, now)

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
        self._leave(now)
        pieces, rungs = list(self._pending.pieces), self._rungs
        for piece in pieces:
            if rungs is not None:
                rungs.arrive(piece.lo, piece.hi)
            self._arrive(piece)
        self._release(pieces, now)
        if rungs is not None:
            rungs.close(arrive=self._is_beyond(rungs.flying, now))
            self._reserve()

    def snapshot(self) -> MeterState:
        """Everything but the clock."""
        return MeterState(
            presence_ms=self.presence_ms,
            posted=self.posted,
            delivered=self.delivered,
            voided=self.voided,
            forced=self.forced,
            run_start=self._run_start,
            head=self._head,
            covered=self._covered.pairs(),
            pending=[(p.lo, p.hi, int(bool(p.tickets))) for p in self._pending.pieces],
            rungs=[] if self._rungs is None else self._rungs.snapshot(),
            waived=self.waived,
        )

    def text(self) -> str:
        """The snapshot as the store keeps it: JSON, which `session.read_state` reads. Written with
        every segment, so put together from the numbers: in a tenth of the time of `json.dumps`.
        """
        head = "null" if self._head is None else self._head
        rungs = "[]" if self._rungs is None else self._rungs.text()
        return (
            f"[{self.presence_ms},{self.posted},{self.delivered},{self.voided},{self.forced},"
            f"{self._run_start},{head},{self._covered.text()},{self._pending.text()},{rungs},"
            f"{self.waived}]"
        )

    def change_terms(self, tariff: Tariff) -> None:
        """Go on under another tariff, from the next second on. What is held is held at its prices;
        what was charged stays as it is.
        """
        lanes = [] if self._rungs is None else self._rungs.under(tariff.rungs)
        paid = self.amount
        self._rungs = Rungs(tariff.rungs, lanes) if tariff.rungs else None
        self._broken_off = None
        seconds = self.posted // UNITS_PER_SECOND
        self.terms = Terms(tariff, seconds, self.rung_seconds, paid)
        self._reserve()

    @classmethod
    def restore(
        cls, terms: Terms, rules: MeterRules, budget: VoidBudget, state: MeterState, now: int
    ) -> "Meter":
        """A meter as it was. The time in between does not count, and what was in flight is void.

        The totals of the snapshot, not of the restored meter, are what the books know.
        """
        meter = cls(terms, rules, budget, now)
        meter._touched_at = now - rules.keepalive_ms  # present again with the next request
        meter.presence_ms = state.presence_ms
        meter.posted = state.posted
        meter.delivered = state.delivered
        meter.voided = state.voided
        meter.forced = state.forced
        meter.waived = state.waived
        meter._run_start = state.run_start
        meter._head = state.head
        meter._covered = Intervals(state.covered)
        for lo, hi, in_flight in state.pending:
            if in_flight:
                meter._covered.remove(lo, hi)
            else:
                meter._pending.keep(lo, hi)
        if meter._rungs is not None:
            meter._rungs = Rungs(terms.tariff.rungs, state.rungs)
        meter._reserve()
        return meter

    def _goes_on(self, ticket: int, lo: int, hi: int, available: int) -> bool:
        """Serve what follows what was asked for last, if that is all there is to it. Nearly every
        request is like that; `_serve` would do the same.
        """
        pending = self._pending
        after = pending.ready + pending.in_flight + hi - lo
        if after > self._rules.lead_min_units:
            return False
        cost = self.terms.cost((self.posted + after) // UNITS_PER_SECOND)
        if cost - self.drawn > available or not self._covered.extend(lo, hi, METER_INTERVALS_MAX):
            return False
        pending.send(ticket, lo, hi)
        self._head = hi
        self.drawn = cost
        return True

    def _repeat(self, ticket: int, lo: int, hi: int) -> Decision:
        wait_ms = self._repeats.take(hi - lo, self.presence_ms)
        if wait_ms:
            return Pace(max(_PACE_MS_MIN, wait_ms))
        if self._pending.in_flight:
            self._pending.join(ticket, lo, hi)
        return DUPLICATE

    def _serve(
        self,
        ticket: int,
        lo: int,
        hi: int,
        gaps: list[tuple[int, int]],
        available: int,
        height: int = 0,
    ) -> Decision:
        pending, drawn = self._pending, self.drawn
        if lo != self._head and self._is_seek(lo):
            self._leave(self._counted_until)
            self._head = lo
            gaps = self._covered.gaps(lo, hi)  # also what was released just now is new
        units = 0
        for start, end in gaps:
            units += end - start
        after = pending.ready + pending.in_flight + units
        if after > self._rules.lead_min_units and (wait_ms := self._wait_ms(after)):
            return Pace(wait_ms)
        rungs, seconds = self._rungs, (self.posted + after) // UNITS_PER_SECOND
        if rungs is None:
            hold = self.terms.cost(seconds) - self.drawn
        else:
            hold = self.terms.cost(seconds, rungs.asked_with(height, lo, hi)) - self.drawn
        if available + drawn - self.drawn < hold:
            return ShortOfFunds(Stroops(hold))
        if len(self._covered) + len(gaps) > METER_INTERVALS_MAX:
            return Fragmented()
        if units < hi - lo:
            self._repeats.spend(hi - lo - units, self.presence_ms)
            pending.join(ticket, lo, hi)
        for start, end in gaps:
            pending.send(ticket, start, end)
        self._covered.add(lo, hi)
        # Sound may follow pictures: what fills a hole behind moves nothing back.
        if self._head is None or hi > self._head:
            self._head = hi
        self.drawn = Stroops(self.drawn + hold)
        return SERVE

    def _is_seek(self, lo: int) -> bool:
        rules, head = self._rules, self._head
        return head is not None and not head - rules.behind_units <= lo <= head + rules.ahead_units

    def _wait_ms(self, wanted: int) -> int:
        """How long until so many units may be pending; 0 when they may now.

        A segment that is longer than the lead is let through when nothing else is pending, or it
        could never be watched.
        """
        rules = self._rules
        lead_min = rules.lead_min_units + self.posted - self._run_start
        if wanted <= min(rules.lead_max_units, lead_min) or self.pending == 0:
            return 0
        # Each posted unit makes room for one, and for a second one while the lead grows with it.
        to_post = max(wanted - rules.lead_max_units, -(-(wanted - lead_min) // 2))
        to_post = min(to_post, self.pending)
        speed, per = rules.speed
        short = self.posted + to_post - self.allowed
        return max(_PACE_MS_MIN, -(-short * per // (UNITS_PER_MS * speed)))

    def _deliver(self, piece: Piece, now: int) -> None:
        self._pending.deliver(piece)  # as `_arrive` does, of nearly every segment
        self.delivered += piece.hi - piece.lo
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

    def _is_beyond(self, units: int, now: int) -> bool:
        """Whether so many units of better pictures, which were left, are to be charged: when there
        is nothing in the void budget to take them from.
        """
        return units > 0 and self._budget.take(units, now) == 0

    def _drop(self, piece: Piece) -> None:
        self._pending.drop(piece)
        self._void(piece.lo, piece.hi)
        self._reserve()

    def _leave(self, now: int) -> None:
        """End the run: release what was delivered, abandon what is in flight."""
        self._release(self._pending.delivered(), now)
        for piece in self._pending.pieces:
            piece.abandoned = True
        self._run_start = self.posted

    def _release(self, pieces: list[Piece], now: int) -> None:
        """Void delivered pieces as far as the budget goes; beyond it charge them, oldest first."""
        units = sum(piece.units for piece in pieces)
        granted = self._budget.take(units, now)
        self.voided += granted
        self.forced += units - granted
        if units > granted:
            self._post(units - granted, pieces)
        for piece in pieces:
            if piece.units:
                self._void(piece.lo, piece.hi)
        self._pending.take(granted, pieces)
        self._reserve()

    def _post(self, units: int, pieces: list[Piece]) -> None:
        """Charge the first `units` of delivered pieces."""
        if self._rungs is not None:
            for lo, hi in _first_of(pieces, units):
                self._rungs.post(lo, hi)
        self._pending.take(units, pieces)
        self.posted += units

    def _void(self, lo: int, hi: int) -> None:
        self._covered.remove(lo, hi)
        if self._rungs is not None:
            self._rungs.remove(lo, hi)

    def _reserve(self) -> None:
        """Hold the exact cost of what is pending; posting changes nothing about the sum."""
        seconds = (self.posted + self.pending) // UNITS_PER_SECOND
        if self._rungs is None:
            self.drawn = self.terms.cost(seconds)
        else:
            self.drawn = self.terms.cost(seconds, self._rungs.asked)

    # --- better pictures that cost more ----------------------------------------------------------

    def _serve_at(
        self,
        rungs: Rungs,
        asked: tuple[int, int, int],
        height: int,
        gaps: list[tuple[int, int]],
        available: int,
    ) -> Decision:
        """As `_serve` and `_repeat`, of (ticket, lo, hi)."""
        ticket, lo, hi = asked
        if rungs.fragments >= METER_INTERVALS_MAX:
            return Fragmented()
        if gaps:
            decision = self._serve(ticket, lo, hi, gaps, available, height)
        elif rungs.is_new(height, lo, hi):
            decision = self._improve(rungs, asked, height, available)
        else:
            decision = self._repeat(ticket, lo, hi)
        if decision is SERVE or decision is DUPLICATE:
            rungs.send(ticket, height, lo, hi)
        return decision

    def _improve(
        self, rungs: Rungs, asked: tuple[int, int, int], height: int, available: int
    ) -> Decision:
        """Send better pictures of what was sent before: a repetition that costs something."""
        ticket, lo, hi = asked
        seconds = (self.posted + self.pending) // UNITS_PER_SECOND
        hold = self.terms.cost(seconds, rungs.asked_with(height, lo, hi)) - self.drawn
        if available < hold:
            return ShortOfFunds(Stroops(hold))
        decision = self._repeat(ticket, lo, hi)
        if decision is not DUPLICATE:
            return decision
        self.drawn = Stroops(self.drawn + hold)
        return SERVE

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


def _first_of(pieces: list[Piece], units: int) -> Iterator[tuple[int, int]]:
    """Where the first `units` of delivered pieces are."""
    for piece in pieces:
        taken = min(units, piece.units)
        if taken:
            yield piece.lo, piece.lo + taken
        units -= taken
