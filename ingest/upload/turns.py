"""One request at a time works on an upload: the newest, for whom the older ones are cut."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from config.limits import UPLOAD_TAKEOVER_SECONDS_MAX
from ingest.upload.upload import UploadBusy


class _Turn:
    """One request's; `cut` ends the connection it came by."""

    __slots__ = ("cut", "over")

    def __init__(self, cut: Callable[[], None]) -> None:
        self.cut = cut
        self.over = asyncio.Event()


class Turns:
    """Who works on which upload, in the order they came.

    A client whose connection dropped half-open comes back while its old request still waits for
    bytes that will never come, and must not have to wait for its end.
    """

    def __init__(self, wait_seconds_max: float = UPLOAD_TAKEOVER_SECONDS_MAX) -> None:
        self._turns: dict[str, list[_Turn]] = {}
        self._wait_seconds_max = wait_seconds_max

    def taken(self, upload_id: str) -> bool:
        return upload_id in self._turns

    @asynccontextmanager
    async def take(self, upload_id: str, cut: Callable[[], None]) -> AsyncIterator[None]:
        """Cut who came before, wait until they have ended, and be the only one inside.

        Args:
            cut: called when a newer request comes; has to end this one soon.

        Raises:
            UploadBusy: an older one does not end in time.
        """
        turn = _Turn(cut)
        queue = self._turns.setdefault(upload_id, [])
        older = list(queue)
        queue.append(turn)
        try:
            await self._end(older)
            yield
        finally:
            queue.remove(turn)
            turn.over.set()
            if not queue:
                del self._turns[upload_id]

    async def _end(self, older: list[_Turn]) -> None:
        for each in older:
            each.cut()
        try:
            async with asyncio.timeout(self._wait_seconds_max):
                for each in older:
                    await each.over.wait()
        except TimeoutError:
            raise UploadBusy from None
