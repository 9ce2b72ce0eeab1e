"""What players wait for of one rendition."""

import asyncio
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


async def wait_for(arrival: Arrival, seconds: float) -> bool:
    """Whether it came in time."""
    came = asyncio.get_running_loop().create_future()

    def tell() -> None:
        if not came.done():
            came.set_result(None)

    arrival.then(tell)
    try:
        async with asyncio.timeout(seconds):
            await came
    except TimeoutError:
        return False
    finally:
        arrival.forget(tell)
    return True
