"""A set of integers kept as sorted, disjoint, non-adjacent intervals [lo, hi)."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class Intervals:
    """Which media time is covered. What nearly every request does is O(1): asking for what follows
    the last interval or is in it, and adding to its end.
    """

    __slots__ = ("_ends", "_starts")

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for lo, hi in pairs:
            self.add(lo, hi)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """The intervals from left to right."""
        return zip(self._starts, self._ends, strict=True)

    def pairs(self) -> list[tuple[int, int]]:
        """The intervals as a list."""
        return list(zip(self._starts, self._ends, strict=True))

    def text(self) -> str:
        """The pairs as JSON."""
        if len(self._starts) == 1:  # who plays on has one, and this is written with every segment
            return f"[[{self._starts[0]},{self._ends[0]}]]"
        return f"[{','.join([f'[{lo},{hi}]' for lo, hi in self])}]"

    def __len__(self) -> int:
        """How many intervals, not how many integers."""
        return len(self._starts)

    @property
    def measure(self) -> int:
        """How many integers are covered."""
        return sum(self._ends) - sum(self._starts)

    def add(self, lo: int, hi: int) -> None:
        """Cover [lo, hi)."""
        assert lo < hi
        if self._ends and lo == self._ends[-1]:
            self._ends[-1] = hi
            return
        # Every interval that overlaps or touches becomes part of the new one.
        first = bisect_left(self._ends, lo)
        last = bisect_right(self._starts, hi)
        if first < last:
            lo = min(lo, self._starts[first])
            hi = max(hi, self._ends[last - 1])
        self._starts[first:last] = [lo]
        self._ends[first:last] = [hi]

    def extend(self, lo: int, hi: int, intervals_max: int) -> bool:
        """Cover [lo, hi) if it follows the last interval and there are fewer than so many; tell
        whether it was.
        """
        ends = self._ends
        if not ends or ends[-1] != lo or len(ends) >= intervals_max:
            return False
        ends[-1] = hi
        return True

    def remove(self, lo: int, hi: int) -> None:
        """Cover nothing of [lo, hi) any more."""
        assert lo < hi
        first = bisect_right(self._ends, lo)
        last = bisect_left(self._starts, hi)
        if first >= last:
            return
        left, right = self._starts[first], self._ends[last - 1]
        kept = [pair for pair in ((left, lo), (hi, right)) if pair[0] < pair[1]]
        self._starts[first:last] = [pair[0] for pair in kept]
        self._ends[first:last] = [pair[1] for pair in kept]

    def gaps(self, lo: int, hi: int) -> list[tuple[int, int]]:
        """The parts of [lo, hi) that are not covered, from left to right."""
        if not self._ends or lo >= self._ends[-1]:
            return [(lo, hi)] if lo < hi else []
        if self._starts[-1] <= lo and hi <= self._ends[-1]:
            return []
        found: list[tuple[int, int]] = []
        for i in range(bisect_right(self._ends, lo), bisect_left(self._starts, hi)):
            if lo < self._starts[i]:
                found.append((lo, self._starts[i]))
            lo = self._ends[i]
        if lo < hi:
            found.append((lo, hi))
        return found
