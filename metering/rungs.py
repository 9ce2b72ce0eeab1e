"""What was watched of a session in better pictures, where those cost more.

The meter beneath counts media once, whatever it looks like. Above it lies a lane for each rung of
the tariff: the media that was asked for at that rung or a better one. So a second in the best
pictures is in every lane, a better picture of what was had before adds what is new in its lanes,
and the order in which pictures were fetched is irrelevant.

A lane has no time of its own. Its media is posted as soon as it is posted beneath and a body of
that rung is complete: when pictures of what lies ahead get better, both are watched at once; and
better pictures of what was charged before are charged when they arrive. What is voided beneath is
voided in every lane, so that nobody's budget is used up twice.
"""

from collections.abc import Iterable, Sequence

from metering.intervals import Intervals
from metering.pending import Pending, Piece
from metering.rules import UNITS_PER_SECOND
from metering.tariff import RungPrice, rungs_reached

# A lane as JSON can carry it: units posted, and what complete bodies brought, as [lo, hi].
LaneState = tuple[int, list[tuple[int, int]]]


class _Lane:
    """One rung: `asked` for and not voided, and of that what is `ready`."""

    __slots__ = ("asked", "asked_units", "flying", "posted", "ready")

    def __init__(self, posted: int = 0, ready: Iterable[tuple[int, int]] = ()) -> None:
        self.posted = posted
        self.ready = Intervals(ready)
        self.asked = Intervals(self.ready)
        self.asked_units = self.asked.measure
        self.flying = Pending()

    def new(self, lo: int, hi: int) -> int:
        """How much of [lo, hi) was not asked for."""
        return _measure(self.asked.gaps(lo, hi))

    def send(self, ticket: int, lo: int, hi: int) -> None:
        self.flying.join(ticket, lo, hi)
        for start, end in self.asked.gaps(lo, hi):
            self.flying.send(ticket, start, end)
            self.asked_units += end - start
        self.asked.add(lo, hi)

    def deliver(self, piece: Piece, unposted: Intervals) -> None:
        self.flying.drop(piece)
        self.ready.add(piece.lo, piece.hi)
        self.posted += _measure(unposted.gaps(piece.lo, piece.hi))

    def abort(self, piece: Piece, ticket: int) -> None:
        piece.tickets.discard(ticket)
        if not piece.tickets:
            self.flying.drop(piece)
            self._forget(piece.lo, piece.hi)

    def arrive(self, lo: int, hi: int, *, broken: bool) -> None:
        for piece in list(self.flying.pieces):
            start, end = max(lo, piece.lo), min(hi, piece.hi)
            if start < end and (piece.broken or not broken):
                self.ready.add(start, end)
                self.flying.forget(start, end)

    def leave(self, ticket: int) -> None:
        for piece in self.flying.of(ticket):
            piece.broken = True

    def left_last(self, ticket: int) -> list[Piece]:
        pieces = self.flying.of(ticket)
        return [piece for piece in pieces if piece.broken and len(piece.tickets) == 1]

    def close(self, *, arrives: bool) -> None:
        for piece in list(self.flying.pieces):
            if arrives:
                self.deliver(piece, Intervals())
            else:
                self.flying.drop(piece)
                self._forget(piece.lo, piece.hi)

    def post(self, lo: int, hi: int) -> None:
        self.posted += hi - lo - _measure(self.ready.gaps(lo, hi))

    def remove(self, lo: int, hi: int) -> None:
        self.flying.forget(lo, hi)
        self.ready.remove(lo, hi)
        self._forget(lo, hi)

    def _forget(self, lo: int, hi: int) -> None:
        self.asked_units -= hi - lo - self.new(lo, hi)
        self.asked.remove(lo, hi)


class Rungs:
    """The lanes of one session, the lowest first."""

    __slots__ = ("_lanes", "_prices")

    def __init__(self, prices: Sequence[RungPrice], states: Sequence[LaneState] = ()) -> None:
        self._prices = tuple(prices)
        kept = [_Lane(*state) for state in states]
        self._lanes = kept or [_Lane() for _ in self._prices]

    @property
    def in_flight(self) -> int:
        """Units whose better bodies are under way."""
        return sum(lane.flying.in_flight for lane in self._lanes)

    @property
    def flying(self) -> int:
        """The most units of any rung of which bodies are under way."""
        return max(lane.flying.in_flight for lane in self._lanes)

    @property
    def posted(self) -> tuple[int, ...]:
        """Completed seconds that were charged at each rung."""
        return tuple([lane.posted // UNITS_PER_SECOND for lane in self._lanes])

    @property
    def asked(self) -> tuple[int, ...]:
        """Completed seconds at each rung that are charged or held."""
        return tuple([lane.asked_units // UNITS_PER_SECOND for lane in self._lanes])

    @property
    def fragments(self) -> int:
        """The most separate places in any lane."""
        return max(len(lane.asked) for lane in self._lanes)

    def asked_with(self, height: int, lo: int, hi: int) -> tuple[int, ...]:
        """What `asked` would be with the media [lo, hi) in pictures of so many lines."""
        reached = self._reached(height)
        return tuple(
            [
                (lane.asked_units + (lane.new(lo, hi) if place < reached else 0))
                // UNITS_PER_SECOND
                for place, lane in enumerate(self._lanes)
            ]
        )

    def is_new(self, height: int, lo: int, hi: int) -> bool:
        """Whether pictures of so many lines are better than what was asked for of [lo, hi)."""
        return any(lane.new(lo, hi) for lane in self._lanes[: self._reached(height)])

    def send(self, ticket: int, height: int, lo: int, hi: int) -> None:
        """Pictures of so many lines go out, new or not."""
        for lane in self._lanes[: self._reached(height)]:
            lane.send(ticket, lo, hi)

    def finish(self, ticket: int, *, unposted: Intervals) -> None:
        """A body was sent to its last byte.

        Args:
            ticket: the body's.
            unposted: what is not charged beneath, as far as the body goes.
        """
        for lane in self._lanes:
            for piece in lane.flying.of(ticket):
                lane.deliver(piece, unposted)

    def span_of(self, ticket: int) -> tuple[int, int] | None:
        """From where to where a body under way goes; None when it is not one of better pictures."""
        pieces = [piece for lane in self._lanes for piece in lane.flying.of(ticket)]
        if not pieces:
            return None
        return min(piece.lo for piece in pieces), max(piece.hi for piece in pieces)

    def post(self, lo: int, hi: int) -> None:
        """The media [lo, hi) was charged beneath."""
        for lane in self._lanes:
            lane.post(lo, hi)

    def remove(self, lo: int, hi: int) -> None:
        """The media [lo, hi) was voided beneath."""
        for lane in self._lanes:
            lane.remove(lo, hi)

    def arrive(self, lo: int, hi: int, *, broken: bool = False) -> None:
        """Bodies under way count as complete where they bring [lo, hi), which is not charged.
        `broken`: only where such a body was left.
        """
        for lane in self._lanes:
            lane.arrive(lo, hi, broken=broken)

    def leave(self, ticket: int) -> None:
        """Enough was taken of a body to be watched. It breaks off: `break_off` has to follow."""
        for lane in self._lanes:
            lane.leave(ticket)

    def left(self, ticket: int) -> int:
        """How much better media was left, and ends with this body."""
        return max(sum(piece.units for piece in lane.left_last(ticket)) for lane in self._lanes)

    def break_off(self, ticket: int, *, arrives: bool, unposted: Intervals) -> None:
        """A body broke off; `arrives`: what was left counts as complete. Else as `finish`."""
        for lane in self._lanes:
            if arrives:
                for piece in lane.left_last(ticket):
                    lane.deliver(piece, unposted)
            for piece in lane.flying.of(ticket):
                lane.abort(piece, ticket)

    def close(self, *, arrive: bool) -> None:
        """Bodies of better pictures are under way, all of media that was charged: they count as
        complete, or are not charged any more.
        """
        for lane in self._lanes:
            lane.close(arrives=arrive)

    def snapshot(self) -> list[LaneState]:
        """What is known but for bodies under way."""
        return [(lane.posted, lane.ready.pairs()) for lane in self._lanes]

    def text(self) -> str:
        """The snapshot as JSON."""
        lanes = [f"[{lane.posted},{lane.ready.text()}]" for lane in self._lanes]
        return f"[{','.join(lanes)}]"

    def under(self, prices: Sequence[RungPrice]) -> list[LaneState]:
        """The lanes as other prices need them. What was had at a height certainly was had at every
        lower one; of what lies in between nothing is known, and so it is new.
        """
        states: list[LaneState] = []
        for price in prices:
            above = [
                lane
                for kept, lane in zip(self._prices, self._lanes, strict=True)
                if kept.height_min >= price.height_min
            ]
            states.append((above[0].posted, above[0].ready.pairs()) if above else (0, []))
        return states

    def _reached(self, height: int) -> int:
        return rungs_reached(self._prices, height)


def _measure(pairs: Iterable[tuple[int, int]]) -> int:
    return sum([hi - lo for lo, hi in pairs])
