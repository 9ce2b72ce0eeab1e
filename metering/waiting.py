"""Who waits for the store, or for time to pass."""

import asyncio
from collections.abc import Callable, Iterable

from metering.errors import SessionClosed
from metering.session import SessionSummary

# What waits for a commit: the session's last summary for those who wait for its end.
Saved = asyncio.Future[SessionSummary | None]


class Saves:
    """Who waits until what was decided about a session is saved: those of the batch that is being
    sent, and those after them.
    """

    def __init__(self) -> None:
        self._sending: dict[str, list[Saved]] = {}
        self._later: dict[str, list[Saved]] = {}
        self._ending: set[Saved] = set()  # of those, who waits for the session's end

    def wait(self, session_id: str) -> Saved:
        """Wait for the next batch that the session is in."""
        saved: Saved = asyncio.get_running_loop().create_future()
        self._later.setdefault(session_id, []).append(saved)
        return saved

    def wait_for_end(self, session_id: str) -> Saved:
        """Wait for the session's last summary."""
        ended = self.wait(session_id)
        self._ending.add(ended)
        ended.add_done_callback(self._ending.discard)
        return ended

    def tell(self, saved: Saved, summary: SessionSummary | None) -> None:
        """A batch was saved, with the session's end if there is a summary: then nothing is sent any
        more, since what was held for it went back.
        """
        if summary is None or saved in self._ending:
            settle(saved, summary)
        else:
            settle(saved, SessionClosed(summary.session_id))

    def send(self, session_ids: Iterable[str]) -> None:
        """A batch with these sessions is put together now."""
        for session_id in session_ids:
            self._sending[session_id] = self.take(session_id)

    def sent(self) -> dict[str, list[Saved]]:
        """The batch was answered: who waited for it, by session."""
        sent, self._sending = self._sending, {}
        return sent

    def take(self, session_id: str) -> list[Saved]:
        """Who waits for a later batch than the one that is being sent."""
        return self._later.pop(session_id, [])

    def release(self, may_go: Callable[[str], bool]) -> None:
        """Let those go on without being saved who may."""
        for waiting in (self._sending, self._later):
            for session_id in [each for each, those in waiting.items() if those and may_go(each)]:
                for saved in waiting[session_id]:
                    settle(saved, None)
                waiting[session_id] = []

    def refuse(self, error: Exception) -> None:
        """Nobody is served any more."""
        waiting = [*self._sending.values(), *self._later.values()]
        self._sending, self._later = {}, {}
        for saved in [saved for those in waiting for saved in those]:
            settle(saved, error)


class Pauses:
    """Who waits until the clock shows a time: monotonic milliseconds."""

    def __init__(self) -> None:
        self._pauses: list[tuple[int, asyncio.Future[None]]] = []

    def wait(self, until: int) -> asyncio.Future[None]:
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pauses.append((until, over))
        return over

    def next(self, otherwise: int) -> int:
        """When the first of them is over, or `otherwise` if that is sooner."""
        return min([otherwise, *(until for until, _ in self._pauses)])

    def resume(self, now: int) -> None:
        """Let those go on whose time has come."""
        pauses, self._pauses = self._pauses, []
        for until, over in pauses:
            if until <= now:
                settle(over, None)
            else:
                self._pauses.append((until, over))

    def refuse(self, error: Exception) -> None:
        """Nobody is served any more."""
        pauses, self._pauses = self._pauses, []
        for _, over in pauses:
            settle(over, error)


def settle[T](future: asyncio.Future[T], answer: T | Exception) -> None:
    """Answer, unless whoever asked has gone."""
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
