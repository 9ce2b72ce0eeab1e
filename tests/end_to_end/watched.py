"""A viewer of a live that counts what it was sent, in seconds of media."""

import time
from dataclasses import dataclass, field
from urllib.parse import urljoin

from tests.end_to_end.running_server import eventually
from tests.end_to_end.viewer import Viewer

_SECONDS_MAX = 60


@dataclass
class Watched:
    """One viewer. `seconds` is how long each segment lasts that it was sent, in any rendition, and
    `took` for how long it waited for each file.
    """

    viewer: Viewer
    seconds: dict[str, float] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)

    async def go_on(self, segments: int) -> None:
        """Fetch what is new until there were so many more. Fails when anything is refused."""
        wanted = len(self.seconds) + segments

        async def more() -> bool | None:
            for each in await self.news():
                await self.fetch(*each)
            return True if len(self.seconds) >= wanted else None

        await eventually(more, _SECONDS_MAX, f"{segments} segments more")

    async def fetch(self, address: str, name: str, duration: float) -> None:
        """One of its `news`."""
        asked = time.perf_counter()
        await self.viewer.body(address)
        self.took.append(time.perf_counter() - asked)
        self.seconds[name] = duration

    async def news(self) -> list[tuple[str, str, float]]:
        """What it has not fetched: address, name, and how many seconds of media that is."""
        return [
            (address, address.rpartition("/")[2], segment.duration)
            for url, playlist in (await self.viewer.media_playlists()).items()
            for segment in playlist.segments
            if (address := urljoin(url, segment.uri)) not in self.viewer.fetched
        ]

    @property
    def total(self) -> float:
        """Seconds of media that it was sent."""
        return sum(self.seconds.values())

    @property
    def missing(self) -> int:
        """Segments between its first one and its last one that were never there."""
        numbers = sorted(int(name.partition(".")[0]) for name in self.seconds)
        return numbers[-1] - numbers[0] + 1 - len(numbers)

    async def billed(self) -> int:
        """Seconds, as soon as nothing is held any more."""

        async def all_of_it() -> int | None:
            summary = await self.viewer.summary()
            return summary["secondsBilled"] if summary["held"] == "0.0000000" else None

        return await eventually(all_of_it, _SECONDS_MAX, "all of it is charged")
