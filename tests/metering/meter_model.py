"""A second meter, written from its rules alone (facts, "Meter") and by counting: every tenth of a
second of media is an element of some sets, so that there is no arithmetic to get wrong.

It shares no code with the real one. Where that differs from the reference on purpose, so does this:

* A body is in flight until its socket took the last byte. What nobody took is void at no cost, and
  media that was left while it was in flight is judged when it arrives.
* A body of which much was taken before it broke off counts as delivered and left, if no other body
  brings the same media; and so do bodies under way at the end. What the void budget granted for
  media that was left like that is given back once, when it arrives in the budget's hour: as a
  repetition, of which there may be so many (and not where better pictures cost more).
* The void budget is the viewer's, and is there again an hour (`void_window`) after its first use.
* Media that was sent before is sent again for nothing, but only so much of it in a time.
* A segment that is longer than the lead goes through when nothing else is pending.
* What fills a hole behind the furthest point of a run does not move that back.
* Better pictures may cost more; they are counted for each rung.

All times and lengths are tenths of seconds, all prices stroops per seconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

TENTHS = 10


@dataclass(frozen=True)
class ModelRules:
    """The meter's rules that a trace is about; the others are the reference's."""

    startup: int = 2 * TENTHS
    lead_min: int = 6 * TENTHS
    lead_max: int = 20 * TENTHS
    behind: int = 6 * TENTHS
    ahead: int = 1 * TENTHS
    keepalive: int = 18 * TENTHS
    repeat_max: int = 20 * TENTHS
    repeat_speed: int = 3
    void_max: int = 120 * TENTHS
    void_window: int = 3_600 * TENTHS
    taken_min: int = 250  # thousandths


@dataclass(frozen=True)
class ModelPrice:
    """Fractions of stroops a second; surcharges as (height, rate), the lowest first."""

    rate: Fraction
    fee: int = 0
    free: int = 0
    cap: int | None = None
    rungs: tuple[tuple[int, Fraction], ...] = ()

    def cost(self, seconds: int, at_rungs: Iterable[int]) -> int:
        """Each price is rounded down by itself."""
        due = floor(self.rate * max(0, seconds - self.free))
        due += self.fee if seconds > self.free else 0
        for (_, rate), count in zip(self.rungs, at_rungs, strict=True):
            due += floor(rate * max(0, count - self.free))
        return due if self.cap is None else min(due, self.cap)


@dataclass
class _Lane:
    asked: set[int] = field(default_factory=set)
    ready: set[int] = field(default_factory=set)
    flying: dict[int, set[int]] = field(default_factory=dict)
    broken: set[int] = field(default_factory=set)


class MeterModel:
    """One session of a viewer who has no other."""

    def __init__(self, price: ModelPrice, rules: ModelRules, balance: int) -> None:
        self.price, self.rules, self.balance = price, rules, balance
        self.presence = self._touched = self._counted = 0
        self.posted: set[int] = set()
        self.forced = self._run_start = 0
        self._order: list[int] = []  # what is pending, in the order in which it was asked for
        self._flying: dict[int, set[int]] = {}
        self._left: set[int] = set()  # of that in flight, what the viewer went away from
        self._broken: set[int] = set()  # and that of which a body broke off late
        self._known: set[int] = set()  # what was taken from the budget for such bodies
        self._pieces: dict[int, tuple[object, ...]] = {}  # what was sent and shared together
        self._requests = 0
        self._head: int | None = None
        self._lanes = [_Lane() for _ in price.rungs]
        self._room, self._filled_at = rules.repeat_max, 0
        self._used, self._used_since, self._known_since = 0, 0, 0

    # --- what can be compared ---------------------------------------------------------------------

    @property
    def at_rungs(self) -> list[int]:
        """Tenths that were charged at each rung."""
        return [len(lane.ready & self.posted) for lane in self._lanes]

    @property
    def amount(self) -> int:
        return self._cost(len(self.posted), self.at_rungs)

    @property
    def used(self) -> int:
        """Of the void budget."""
        return self._used

    @property
    def drawn(self) -> int:
        pending = len(self.posted) + len(self._order)
        return self._cost(pending, [len(lane.asked) for lane in self._lanes])

    # --- what happens -----------------------------------------------------------------------------

    def advance(self, now: int) -> None:
        if now > self._counted:
            self.presence += max(0, min(self._touched + self.rules.keepalive, now) - self._counted)
            self._counted = now
        ready = [each for each in self._order if each not in self._flying]
        allowed = self.rules.startup + self.presence + self.forced - len(self.posted)
        self._post(ready[: max(0, allowed)])

    def request(self, ticket: int, lo: int, hi: int, now: int, height: int) -> str:
        self.advance(now)
        self._touched = max(self._touched, now)
        media = range(lo, hi)
        reached = sum(each <= height for each, _ in self.price.rungs)
        new = self._new(media)
        if not new:
            return self._again(ticket, media, reached)
        if self._head is not None and not self._is_near(lo):
            self._leave(now)
            self._head = lo
            new = self._new(media)
        rules, wanted = self.rules, len(self._order) + len(new)
        lead = min(rules.lead_max, rules.lead_min + len(self.posted) - self._run_start)
        if wanted > lead and self._order:
            return "pace"
        if self.balance < self._cost_with(media, new, reached):
            return "funds"
        if len(new) < len(media):
            self._refill()
            self._room -= len(media) - len(new)
        self._join(ticket, media)
        self._requests += 1
        self._order += new
        runs = _runs(new)
        for each in new:
            self._flying[each] = {ticket}
            self._pieces[each] = (self._requests, next(i for i, r in enumerate(runs) if each in r))
        self._head = max(hi, self._head or 0)
        self._send(ticket, media, reached)
        return "serve"

    def finish(self, ticket: int, now: int, *, complete: bool, taken: int = 0) -> None:
        mine = [each for each in self._order if ticket in self._flying.get(each, ())]
        if not complete:
            self._break_off(ticket, mine, now, left=taken >= self.rules.taken_min)
            return
        self._finish_lanes(ticket, complete=True)
        for piece in self._in_pieces(mine):
            self._arrive(piece, now)

    def close(self, now: int) -> None:
        self.advance(now)
        self._leave(now)
        self._arrive_in_lanes(self._order)
        self._release(list(self._order), now)
        flying = max([len(lane.flying) for lane in self._lanes], default=0)
        if self._is_beyond(flying, now):
            for lane in self._lanes:
                lane.ready |= set(lane.flying)
        self._land()

    def restart(self, now: int) -> None:
        """The process died, and another one goes on with what was saved."""
        self._void([each for each in self._order if each in self._flying])
        self._known = set()
        self._touched, self._counted = now - self.rules.keepalive, now
        self._room, self._filled_at = self.rules.repeat_max, 0
        self._land()

    # --- how --------------------------------------------------------------------------------------

    def _land(self) -> None:
        """No better pictures are under way any more; what did not arrive costs nothing."""
        for lane in self._lanes:
            lane.asked, lane.flying, lane.broken = set(lane.ready), {}, set()

    def _cost(self, tenths: int, at_rungs: Iterable[int]) -> int:
        return self.price.cost(tenths // TENTHS, [each // TENTHS for each in at_rungs])

    def _cost_with(self, media: range, new: list[int], reached: int) -> int:
        at_rungs = [
            len(lane.asked | set(media)) if place < reached else len(lane.asked)
            for place, lane in enumerate(self._lanes)
        ]
        return self._cost(len(self.posted) + len(self._order) + len(new), at_rungs)

    def _new(self, media: range) -> list[int]:
        asked = self.posted | set(self._order)
        return [each for each in media if each not in asked]

    def _is_near(self, lo: int) -> bool:
        assert self._head is not None
        return self._head - self.rules.behind <= lo <= self._head + self.rules.ahead

    def _again(self, ticket: int, media: range, reached: int) -> str:
        is_better = any(set(media) - lane.asked for lane in self._lanes[:reached])
        if is_better and self.balance < self._cost_with(media, [], reached):
            return "funds"
        self._refill()
        if len(media) > self._room < self.rules.repeat_max:
            return "pace"
        self._room -= len(media)
        self._join(ticket, media)
        self._send(ticket, media, reached)
        return "serve" if is_better else "duplicate"

    def _refill(self) -> None:
        filled = (self.presence - self._filled_at) * self.rules.repeat_speed
        self._room = min(self.rules.repeat_max, self._room + filled)
        self._filled_at = self.presence

    def _join(self, ticket: int, media: range) -> None:
        """Share bodies under way; what sticks out of a piece is another piece from now on."""
        for each, tickets in self._flying.items():
            place = 0 if each < media.start else 2 if each >= media.stop else 1
            self._pieces[each] = (*self._pieces[each], place)
            if place == 1:
                tickets.add(ticket)
                self._left.discard(each)

    def _send(self, ticket: int, media: range, reached: int) -> None:
        for lane in self._lanes[:reached]:
            for each in media:
                if each not in lane.asked or each in lane.flying:
                    lane.flying.setdefault(each, set()).add(ticket)
                lane.asked.add(each)

    def _finish_lanes(self, ticket: int, *, complete: bool) -> None:
        for lane in self._lanes:
            for each in [each for each, those in lane.flying.items() if ticket in those]:
                if not complete and lane.flying[each] != {ticket}:
                    lane.flying[each].discard(ticket)
                    continue
                del lane.flying[each]
                lane.broken.discard(each)
                if complete:
                    lane.ready.add(each)
                else:
                    lane.asked.discard(each)

    def _arrive_in_lanes(self, tenths: Iterable[int], *, broken: bool = False) -> None:
        for lane in self._lanes:
            self._arrive_in(lane, lane.broken & set(tenths) if broken else tenths)

    @staticmethod
    def _arrive_in(lane: _Lane, tenths: Iterable[int]) -> None:
        for each in tenths:
            if lane.flying.pop(each, None) is not None:
                lane.broken.discard(each)
                lane.ready.add(each)

    def _arrive(self, piece: list[int], now: int) -> None:
        for each in piece:
            del self._flying[each]
        self._broken -= set(piece)
        if self._knows_any(now) and (known := self._known & set(piece)):
            self._known -= known
            self._refill()
            if not len(known) > self._room < self.rules.repeat_max:
                self._room -= len(known)
                self._used -= len(known)
        if piece[0] in self._left:
            self._left -= set(piece)
            self._release(piece, now)

    def _break_off(self, ticket: int, mine: list[int], now: int, *, left: bool) -> None:
        self._broken |= set(mine) if left else set()
        for each in mine:
            self._flying[each].discard(ticket)
        over = self._in_pieces([each for each in mine if not self._flying[each]])
        watched = [each for each in over if each[0] in self._broken]
        for lane in self._lanes:
            under_way = {each for each, those in lane.flying.items() if ticket in those}
            lane.broken |= under_way if left else set()
        for piece in watched:
            self._arrive_in_lanes(piece, broken=True)
        self._break_off_lanes(ticket, now)
        for piece in over:
            if piece in watched:
                self._leave_behind(piece, now)
            else:
                self._void(piece)

    def _break_off_lanes(self, ticket: int, now: int) -> None:
        alone = [
            [each for each in lane.broken if lane.flying[each] == {ticket}] for lane in self._lanes
        ]
        if self._is_beyond(max(map(len, alone), default=0), now):
            for lane, watched in zip(self._lanes, alone, strict=True):
                self._arrive_in(lane, watched)
        self._finish_lanes(ticket, complete=False)

    def _leave_behind(self, piece: list[int], now: int) -> None:
        for each in piece:
            del self._flying[each]
        self._release(piece, now)
        if not self._lanes:
            if self._known_since != self._used_since:
                self._known = set()
            self._known_since = self._used_since
            self._known |= set(piece) - self.posted

    def _knows_any(self, now: int) -> bool:
        """Whether the hour goes on in which something was taken from the budget."""
        over = not self._used or now - self._used_since >= self.rules.void_window
        return bool(self._known) and not over and self._known_since == self._used_since

    def _is_beyond(self, tenths: int, now: int) -> bool:
        return tenths > 0 and self._take(tenths, now) == 0

    def _leave(self, now: int) -> None:
        self._release([each for each in self._order if each not in self._flying], now)
        self._left = set(self._flying)
        self._run_start = len(self.posted)

    def _release(self, tenths: list[int], now: int) -> None:
        granted = self._take(len(tenths), now)
        forced = len(tenths) - granted
        self.forced += forced
        self._post(tenths[:forced])
        self._void(tenths[forced:])

    def _take(self, tenths: int, now: int) -> int:
        if not tenths:
            return 0
        if not self._used or now - self._used_since >= self.rules.void_window:
            self._used, self._used_since = 0, now
        granted = min(tenths, self.rules.void_max - self._used)
        self._used += granted
        return granted

    def _post(self, tenths: list[int]) -> None:
        self.posted |= set(tenths)
        self._drop(tenths)

    def _void(self, tenths: list[int]) -> None:
        self._drop(tenths)
        for lane in self._lanes:
            lane.asked -= set(tenths)
            lane.ready -= set(tenths)
            lane.broken -= set(tenths)
            for each in tenths:
                lane.flying.pop(each, None)

    def _drop(self, tenths: list[int]) -> None:
        gone = set(tenths)
        self._order = [each for each in self._order if each not in gone]
        self._left -= gone
        self._broken -= gone
        for each in gone:
            self._flying.pop(each, None)

    def _in_pieces(self, tenths: list[int]) -> list[list[int]]:
        pieces: dict[tuple[object, ...], list[int]] = {}
        for each in tenths:
            pieces.setdefault(self._pieces[each], []).append(each)
        return list(pieces.values())


def _runs(tenths: list[int]) -> list[range]:
    """Numbers that follow each other, as ranges."""
    runs: list[range] = []
    for each in tenths:
        if runs and runs[-1].stop == each:
            runs[-1] = range(runs[-1].start, each + 1)
        else:
            runs.append(range(each, each + 1))
    return runs
