"""Media of a session that was asked for and neither charged nor voided yet, in order of request."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(slots=True, eq=False)
class Piece:
    """The media [lo, hi). It is in flight, as a body under way, as long as it has tickets."""

    lo: int
    hi: int
    tickets: set[int]
    abandoned: bool = False  # the viewer went elsewhere while it was in flight
    broken: bool = False  # a body of it broke off that had brought enough of it to be watched

    @property
    def units(self) -> int:
        """How long it is."""
        return self.hi - self.lo


class Pending:
    """The pieces, the first to be asked for before the others, and how many units of them are
    `ready` (delivered) and `in_flight`.
    """

    __slots__ = ("in_flight", "pieces", "ready")

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.ready = 0
        self.in_flight = 0

    @property
    def units(self) -> int:
        """All of it."""
        return self.ready + self.in_flight

    @property
    def requests(self) -> int:
        """How many bodies are under way, counted once for each piece that they cover."""
        return sum([len(piece.tickets) for piece in self.pieces])

    def text(self) -> str:
        """As `MeterState` has it, in JSON."""
        pieces = [f"[{each.lo},{each.hi},{1 if each.tickets else 0}]" for each in self.pieces]
        return f"[{','.join(pieces)}]"

    def delivered(self) -> list[Piece]:
        """The pieces that are ready."""
        return [piece for piece in self.pieces if not piece.tickets]

    def of(self, ticket: int) -> list[Piece]:
        """The pieces that a body under way covers; a repetition of what is ready covers none."""
        return [piece for piece in self.pieces if ticket in piece.tickets] if self.in_flight else []

    def send(self, ticket: int, lo: int, hi: int) -> None:
        """New media goes out."""
        self.pieces.append(Piece(lo, hi, {ticket}))
        self.in_flight += hi - lo

    def keep(self, lo: int, hi: int) -> None:
        """Media that was delivered before."""
        self.pieces.append(Piece(lo, hi, set()))
        self.ready += hi - lo

    def ready_since(self, hi: int) -> int | None:
        """Where that begins which is ready, if it is one stretch up to `hi` and all there is."""
        if self.in_flight or any(before.hi != each.lo for before, each in pairwise(self.pieces)):
            return None
        if not self.pieces:
            return hi
        return self.pieces[0].lo if self.pieces[-1].hi == hi else None

    def join(self, ticket: int, lo: int, hi: int) -> None:
        """Let a request for [lo, hi) share what it overlaps of the pieces in flight, cut to fit."""
        if not self.in_flight:
            return
        pieces: list[Piece] = []
        for piece in self.pieces:
            pieces += _cut(piece, lo, hi) if piece.tickets else [piece]
        for piece in pieces:
            if piece.tickets and lo <= piece.lo and piece.hi <= hi:
                piece.tickets.add(ticket)
                piece.abandoned = False
        self.pieces = pieces

    def deliver(self, piece: Piece) -> None:
        """A body that covers the piece was sent to its last byte."""
        piece.tickets.clear()
        units = piece.hi - piece.lo
        self.in_flight -= units
        self.ready += units

    def drop(self, piece: Piece) -> None:
        """Forget a piece in flight."""
        self.pieces.remove(piece)
        self.in_flight -= piece.units

    def forget(self, lo: int, hi: int) -> None:
        """Forget what is in flight of [lo, hi); pieces that stick out are cut."""
        if not self.in_flight:
            return
        pieces: list[Piece] = []
        for piece in self.pieces:
            pieces += _cut(piece, lo, hi) if piece.tickets else [piece]
        self.pieces = [
            piece for piece in pieces if not (piece.tickets and lo <= piece.lo and piece.hi <= hi)
        ]
        self.in_flight = sum(piece.units for piece in self.pieces if piece.tickets)

    def strip(self, lo: int, hi: int) -> int:
        """Forget all of [lo, hi), delivered or in flight; how much that was."""
        before = self.units
        pieces = [cut for piece in self.pieces for cut in _cut(piece, lo, hi)]
        self.pieces = [piece for piece in pieces if not (lo <= piece.lo and piece.hi <= hi)]
        self.in_flight = sum(piece.units for piece in self.pieces if piece.tickets)
        self.ready = sum(piece.units for piece in self.pieces if not piece.tickets)
        return before - self.units

    def clear(self) -> None:
        """Forget everything."""
        self.pieces.clear()
        self.ready = self.in_flight = 0

    def take(self, units: int, pieces: Sequence[Piece]) -> None:
        """Take `units` off the beginning of delivered `pieces`; what is used up is forgotten."""
        self.ready -= units
        for piece in pieces:
            taken = min(units, piece.units)
            piece.lo += taken
            units -= taken
        assert not units, "more was taken than had been delivered"
        self.pieces = [piece for piece in self.pieces if piece.units]


def _cut(piece: Piece, lo: int, hi: int) -> list[Piece]:
    """A piece, split where [lo, hi) begins and ends."""
    edges = [piece.lo, *(edge for edge in (lo, hi) if piece.lo < edge < piece.hi), piece.hi]
    if len(edges) == 2:
        return [piece]
    return [
        Piece(start, end, set(piece.tickets), piece.abandoned, piece.broken)
        for start, end in pairwise(edges)
    ]
