"""What players wait for of one rendition."""

from collections.abc import Callable

from packager.arrival import Arrival

type Place = tuple[int, int | None]
"""A segment, or a part of it, by its numbers."""


class Awaited:
    """One arrival for all who wait for the same, until it is there."""

    def __init__(self) -> None:
        self._arrivals: dict[Place, Arrival] = {}

    def arrival(self, place: Place) -> Arrival:
        return self._arrivals.setdefault(place, Arrival())

    def release(self, is_there: Callable[[Place], bool]) -> None:
        """Tell those whose place is there now."""
        if self._arrivals:
            for place in [each for each in self._arrivals if is_there(each)]:
                self._arrivals.pop(place).come()
