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

from config.limits import METER_INTERVAL_UNITS_MAX, METER_INTERVALS_MAX, METER_REQUESTS_MAX
from metering.bodies import Bodies
from metering.decision import DUPLICATE, SERVE, Decision, Fragmented, Pace, ShortOfFunds
from metering.meter_state import MeterState
from metering.money import Stroops
from metering.rules import UNITS_PER_MS, UNITS_PER_SECOND, MeterRules
from metering.rungs import Rungs
from metering.tariff import Tariff
from metering.terms import Terms
from metering.void_budget import VoidBudget

# A paced request whose predecessors are still being sent cannot tell when they will be done.
_PACE_MS_MIN = 100


class BadInterval(ValueError):
    """Not a piece of media: empty, before the start, or longer than any segment."""


class Meter(Bodies):
    """One session's state machine; see the picture at the top of this file.

    It inherits what it decides about, and does not hold it: with each request of thousands of
    sessions that would be one more object to find in memory.
    """

    __slots__ = ()

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
        if self.goes_on(ticket, lo, hi, now, available):
            return SERVE
        if not 0 <= lo < hi <= lo + METER_INTERVAL_UNITS_MAX:
            raise BadInterval(f"not a segment: [{lo}, {hi})")
        self.advance(now)
        if now > self._touched_at:
            self._touched_at = now
        if self._pending.in_flight and self._pending.requests >= METER_REQUESTS_MAX:
            return Pace(_PACE_MS_MIN)
        gaps = self._covered.gaps(lo, hi)
        if self._rungs is not None:
            return self._serve_at(self._rungs, (ticket, lo, hi), height, gaps, available)
        if gaps:
            return self._serve(ticket, lo, hi, gaps, available)
        return self._repeat(ticket, lo, hi)

    def goes_on(self, ticket: int, lo: int, hi: int, now: int, available: int) -> bool:
        """Serve what follows what was asked for last, if that is all there is to it: nearly every
        request. The rest of `request` would decide the same; False is not that anything is wrong.
        """
        if lo != self._head or self._rungs is not None:
            return False
        if self._ready_lo is None:
            if not self._play_on(lo):
                return False
        elif self._body_lo != lo:  # a body is in flight
            return False
        self.advance(now)
        if now > self._touched_at:
            self._touched_at = now
        units, (stroops, per) = hi - lo, self.terms.rate
        after = hi - (self._ready_lo or 0)
        if (
            not (per and 0 < units <= METER_INTERVAL_UNITS_MAX)
            or after > self._rules.lead_min_units
        ):
            return False
        cost = stroops * ((self.posted + after) // UNITS_PER_SECOND) // per
        if cost - self.drawn > available:
            return False
        self._head, self._body_ticket = hi, ticket
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
            self._end_run(self._counted_until)
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

    # --- its terms, and an earlier life ----------------------------------------------------------

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
        """A meter as it was. The time in between does not count."""
        meter = cls(terms, rules, budget, now)
        meter._take_up(state, now)
        return meter
