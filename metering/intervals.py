"""A set of integers kept as sorted, disjoint, non-adjacent intervals [lo, hi)."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class Intervals:
    """Which media time is covered. What nearly every request does is O(1): asking for what follows
    the last interval or is in it, and adding to its end.

    So the last interval is kept apart, as two numbers; None when nothing is covered.

    Attributes:
        last_hi: where the last one ends.
    """

    __slots__ = ("_ends", "_last_lo", "_starts", "last_hi")

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []  # of all but the last
        self._ends: list[int] = []
        self._last_lo: int | None = None
        self.last_hi: int | None = None
        for lo, hi in pairs:
            self.add(lo, hi)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """The intervals from left to right."""
        return iter(self.pairs())

    def pairs(self) -> list[tuple[int, int]]:
        """The intervals as a list."""
        pairs = list(zip(self._starts, self._ends, strict=True))
        if self._last_lo is not None and self.last_hi is not None:
            pairs.append((self._last_lo, self.last_hi))
        return pairs

    def text(self) -> str:
        """The pairs as JSON."""
        return f"{self.text_to_end()}{self.last_hi}]]" if self.last_hi is not None else "[]"

    def text_to_end(self) -> str:
        """The text up to where the last one ends; who plays on only moves that."""
        earlier = zip(self._starts, self._ends, strict=True)
        return f"[{''.join([f'[{lo},{hi}],' for lo, hi in earlier])}[{self._last_lo},"

    def __len__(self) -> int:
        """How many intervals, not how many integers."""
        return len(self._starts) + (self._last_lo is not None)

    @property
    def measure(self) -> int:
        """How many integers are covered."""
        return sum([hi - lo for lo, hi in self])

    def add(self, lo: int, hi: int) -> None:
        """Cover [lo, hi)."""
        assert lo < hi
        if lo == self.last_hi:
            self.last_hi = hi
            return
        starts, ends = self._opened()
        # Every interval that overlaps or touches becomes part of the new one.
        first = bisect_left(ends, lo)
        last = bisect_right(starts, hi)
        if first < last:
            lo = min(lo, starts[first])
            hi = max(hi, ends[last - 1])
        starts[first:last] = [lo]
        ends[first:last] = [hi]
        self._shut()

    def remove(self, lo: int, hi: int) -> None:
        """Cover nothing of [lo, hi) any more."""
        assert lo < hi
        starts, ends = self._opened()
        first = bisect_right(ends, lo)
        last = bisect_left(starts, hi)
        if first < last:
            left, right = starts[first], ends[last - 1]
            kept = [pair for pair in ((left, lo), (hi, right)) if pair[0] < pair[1]]
            starts[first:last] = [pair[0] for pair in kept]
            ends[first:last] = [pair[1] for pair in kept]
        self._shut()

    def gaps(self, lo: int, hi: int) -> list[tuple[int, int]]:
        """The parts of [lo, hi) that are not covered, from left to right."""
        last_lo, last_hi = self._last_lo, self.last_hi
        if last_lo is None or last_hi is None or lo >= last_hi:
            return [(lo, hi)] if lo < hi else []
        if last_lo <= lo and hi <= last_hi:
            return []
        starts, ends = self._opened()
        found: list[tuple[int, int]] = []
        for i in range(bisect_right(ends, lo), bisect_left(starts, hi)):
            if lo < starts[i]:
                found.append((lo, starts[i]))
            lo = ends[i]
        if lo < hi:
            found.append((lo, hi))
        self._shut()
        return found

    def _opened(self) -> tuple[list[int], list[int]]:
        """All of them, the last one too; `_shut` has to follow."""
        if self._last_lo is not None and self.last_hi is not None:
            self._starts.append(self._last_lo)
            self._ends.append(self.last_hi)
        return self._starts, self._ends

    def _shut(self) -> None:
        """Set the last one apart."""
        self._last_lo = self.last_hi = None
        if self._starts:
            self._last_lo, self.last_hi = self._starts.pop(), self._ends.pop()
