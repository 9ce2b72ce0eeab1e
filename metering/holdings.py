"""What a session has of its asset: how much was asked for, delivered, left, held and charged.

These are the numbers of a meter and the steps that change them; `meter` decides which of them to
take. Media is measured in units of 1/90000 s, times are monotonic milliseconds.
"""

from collections.abc import Iterator

from metering.effects import Totals
from metering.intervals import Intervals
from metering.meter_state import MeterState
from metering.money import Stroops
from metering.pending import Pending, Piece
from metering.rules import UNITS_PER_MS, UNITS_PER_SECOND, MeterRules
from metering.rungs import Rungs
from metering.terms import Terms
from metering.void_budget import VoidBudget

# The text of a session with one piece that is pending, and no rungs.
_TEXT = "[%d,%d,%d,%d,%d,%d,%d,%s%d]],[[%d,%d,%d]],[],%d]"


class Holdings:
    """Of one session. `budget` is shared by all sessions of the viewer."""

    __slots__ = (
        "_budget",
        "_counted_until",
        "_covered",
        "_head",
        "_keepalive_ms",
        "_pending",
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
        self.drawn = 0  # stroops taken from the viewer: charged or held
        self._run_start = 0  # `posted` when the viewer last jumped
        self._head: int | None = None  # how far the run has come
        self._covered = Intervals()
        self._pending = Pending()
        self._rungs = Rungs(terms.tariff.rungs) if terms.tariff.rungs else None

    # --- how much it is --------------------------------------------------------------------------

    @property
    def totals(self) -> Totals:
        """What to enter in the books, and what was entered before with it."""
        return Totals(self.drawn, self.posted, self.amount, self.rung_seconds)

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
        rules = self._rules
        speed, per = rules.speed
        watched = self.presence_ms * UNITS_PER_MS * speed // per
        return rules.startup_units + watched + self.forced

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

    # --- charging --------------------------------------------------------------------------------

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
        ready = pending.ready
        if not ready:
            return
        rules = self._rules
        speed, per = rules.speed
        # `allowed`, as it is asked for with every segment
        watched = self.presence_ms * UNITS_PER_MS * speed // per
        postable = rules.startup_units + watched + self.forced - self.posted
        if postable > ready:
            postable = ready
        if postable == ready and not pending.in_flight and self._rungs is None:
            # A live is watched as it comes.
            self.posted += ready
            pending.clear()
        elif postable > 0:
            self._post(postable, pending.delivered())

    def _post(self, units: int, pieces: list[Piece]) -> None:
        """Charge the first `units` of delivered pieces."""
        if self._rungs is not None:
            for lo, hi in _first_of(pieces, units):
                self._rungs.post(lo, hi)
        self._pending.take(units, pieces)
        self.posted += units

    def _reserve(self) -> None:
        """Hold the exact cost of what is pending; posting changes nothing about the sum."""
        seconds = (self.posted + self.pending) // UNITS_PER_SECOND
        if self._rungs is None:
            self.drawn = self.terms.cost(seconds)
        else:
            self.drawn = self.terms.cost(seconds, self._rungs.asked)

    # --- leaving ---------------------------------------------------------------------------------

    def _is_seek(self, lo: int) -> bool:
        rules, head = self._rules, self._head
        return head is not None and not head - rules.behind_units <= lo <= head + rules.ahead_units

    def _end_run(self, now: int) -> None:
        """The viewer goes elsewhere: release what was delivered, abandon what is in flight."""
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

    def _drop(self, piece: Piece) -> None:
        """Nothing of a piece in flight is going to arrive."""
        self._pending.drop(piece)
        self._void(piece.lo, piece.hi)
        self._reserve()

    def _void(self, lo: int, hi: int) -> None:
        self._covered.remove(lo, hi)
        if self._rungs is not None:
            self._rungs.remove(lo, hi)

    # --- as it is saved --------------------------------------------------------------------------

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
        every segment, so put together from the numbers: in a tenth of the time of `json.dumps`,
        and of who plays on with one pattern, in half of the time of a text for each number.
        """
        covered, pending = self._covered, self._pending
        if pending.newest_hi and covered.earlier and not pending.others and self._rungs is None:
            return _TEXT % (
                self.presence_ms,
                self.posted,
                self.delivered,
                self.voided,
                self.forced,
                self._run_start,
                self._head,
                covered.earlier,
                covered.last_hi,
                pending.newest_lo,
                pending.newest_hi,
                pending.newest_ticket is not None,
                self.waived,
            )
        head = "null" if self._head is None else self._head
        rungs = "[]" if self._rungs is None else self._rungs.text()
        return (
            f"[{self.presence_ms},{self.posted},{self.delivered},{self.voided},{self.forced},"
            f"{self._run_start},{head},{covered.text()},{pending.text()},{rungs},"
            f"{self.waived}]"
        )

    def _take_up(self, state: MeterState, now: int) -> None:
        """Go on from a snapshot. What was in flight is void.

        The totals of the snapshot, not those of what is taken up, are what the books know.
        """
        self._touched_at = now - self._keepalive_ms  # present again with the next request
        self.presence_ms = state.presence_ms
        self.posted, self.delivered = state.posted, state.delivered
        self.voided, self.forced, self.waived = state.voided, state.forced, state.waived
        self._run_start, self._head = state.run_start, state.head
        self._covered = Intervals(state.covered)
        for lo, hi, in_flight in state.pending:
            if in_flight:
                self._covered.remove(lo, hi)
            else:
                self._pending.keep(lo, hi)
        if self._rungs is not None:
            self._rungs = Rungs(self.terms.tariff.rungs, state.rungs)
        self._reserve()


def _first_of(pieces: list[Piece], units: int) -> Iterator[tuple[int, int]]:
    """Where the first `units` of delivered pieces are."""
    for piece in pieces:
        taken = min(units, piece.units)
        if taken:
            yield piece.lo, piece.lo + taken
        units -= taken
