"""How many downloads there may be at once, of one account and of all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from api.errors import Problem
from config.limits import DOWNLOADS_MAX, DOWNLOADS_PER_OWNER_MAX

_RETRY_SECONDS = 30


class DownloadGate:
    """Each download reads from the disk as fast as its reader takes it."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def admitted(self, owner: str) -> Iterator[None]:
        """Count one until the end of the block.

        Raises:
            Problem: 429, 503.
        """
        again = {"Retry-After": str(_RETRY_SECONDS)}
        if self._under_way[owner] >= DOWNLOADS_PER_OWNER_MAX:
            raise Problem(
                429,
                "too_many_downloads",
                "Enough downloads at once",
                f"{DOWNLOADS_PER_OWNER_MAX} of yours are under way; wait until one has ended",
                again,
            )
        if self._under_way.total() >= DOWNLOADS_MAX:
            raise Problem(503, "try_again", "Not now, try again", "too many downloads", again)
        self._under_way[owner] += 1
        try:
            yield
        finally:
            self._under_way[owner] -= 1
            if not self._under_way[owner]:
                del self._under_way[owner]
