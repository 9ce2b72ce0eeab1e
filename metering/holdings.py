"""What a session has of its asset: how much was asked for, delivered, left, held and charged.

These are the numbers of a meter and the steps that change them; `meter` decides which of them to
take. Media is measured in units of 1/90000 s, times are monotonic milliseconds.
"""

from collections.abc import Iterator

from config.limits import METER_INTERVALS_MAX
from metering.effects import Totals
from metering.intervals import Intervals
from metering.meter_state import MeterState
from metering.money import Stroops
from metering.pending import Pending, Piece
from metering.rules import UNITS_PER_MS, UNITS_PER_SECOND, MeterRules
from metering.rungs import Rungs
from metering.terms import Terms
from metering.void_budget import VoidBudget


class Holdings:
    """Of one session. `budget` is shared by all sessions of the viewer.

    Nearly all sessions play on: what they have not paid for is one stretch up to where they are,
    ready but for at most one body at its end. That is kept as numbers, and `Pending` and
    `Intervals` are behind until somebody looks at them.
    """

    __slots__ = (
        "_body_lo",
        "_body_ticket",
        "_budget",
        "_counted_until",
        "_covered_behind",
        "_fixed_texts",
        "_head",
        "_keepalive_ms",
        "_pending_behind",
        "_ready_lo",
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
        self._covered_behind = Intervals()
        self._pending_behind = Pending()
        # While it plays on, [ready_lo, body_lo) is ready and [body_lo, head) in flight.
        self._ready_lo: int | None = None  # it does not
        self._body_lo = self._body_ticket = 0
        self._fixed_texts = ("", "", "")  # what does not change of its state then
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
        if self._ready_lo is not None and self._head is not None and hi > self._head:
            return False
        if self._covered.gaps(lo, hi):
            return False
        return self._rungs is None or not self._rungs.is_new(height, lo, hi)

    # --- playing on ------------------------------------------------------------------------------

    @property
    def _pending(self) -> Pending:
        if self._ready_lo is not None:
            self._catch_up()
        return self._pending_behind

    @property
    def _covered(self) -> Intervals:
        if self._ready_lo is not None:
            self._catch_up()
        return self._covered_behind

    def _play_on(self, lo: int) -> bool:
        """Keep what is pending as numbers, if it is one stretch up to `lo`, where all ends that is
        covered.
        """
        covered, since = self._covered_behind, self._pending_behind.ready_since(lo)
        if covered.last_hi != lo or len(covered) >= METER_INTERVALS_MAX or since is None:
            return False
        self._ready_lo, self._body_lo = since, lo
        left = f"{self.voided},{self.forced},{self._run_start},"
        self._fixed_texts = (left, covered.text_to_end(), str(self.waived))
        self._pending_behind.clear()
        return True

    def _catch_up(self) -> None:
        """Play on no more: put the numbers where all others look for them."""
        ready_lo, body_lo, head = self._ready_lo, self._body_lo, self._head
        assert ready_lo is not None, "it plays on"
        assert head is not None, "it plays on from there"
        self._ready_lo = None
        covered, pending = self._covered_behind, self._pending_behind
        if covered.last_hi != head:
            covered.add(covered.last_hi or 0, head)
        if ready_lo < body_lo:
            pending.keep(ready_lo, body_lo)
        if body_lo < head:
            pending.send(self._body_ticket, body_lo, head)

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
        ready_lo = self._ready_lo
        ready = self._pending.ready if ready_lo is None else self._body_lo - ready_lo
        if not ready:
            return
        rules = self._rules
        speed, per = rules.speed
        # `allowed`, as it is asked for with every segment
        watched = self.presence_ms * UNITS_PER_MS * speed // per
        postable = rules.startup_units + watched + self.forced - self.posted
        if postable > ready:
            postable = ready
        if postable <= 0:
            return
        if ready_lo is None:
            self._post(postable, self._pending.delivered())
        else:
            self._ready_lo = ready_lo + postable
            self.posted += postable

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
        every segment, so put together from the numbers, in a tenth of the time of `json.dumps`; of
        who plays on from a few, since the others are the same each time.
        """
        ready_lo, body_lo, head = self._ready_lo, self._body_lo, self._head
        if ready_lo is not None:
            left, covered, waived = self._fixed_texts
            end = str(head)
            ready = "" if ready_lo == body_lo else f"[{ready_lo},{body_lo},0],"
            pending = f"{ready}[{body_lo},{end},1]" if body_lo != head else ready[:-1]
            return (
                f"[{self.presence_ms},{self.posted},{self.delivered},{left}{end},{covered}{end}]],"
                f"[{pending}],[],{waived}]"
            )
        rungs = "[]" if self._rungs is None else self._rungs.text()
        return (
            f"[{self.presence_ms},{self.posted},{self.delivered},{self.voided},{self.forced},"
            f"{self._run_start},{'null' if head is None else head},{self._covered.text()},"
            f"{self._pending.text()},{rungs},{self.waived}]"
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
        self._covered_behind = Intervals(state.covered)
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
